"""An inbox to page through, or an empty one."""

from datetime import timedelta
from uuid import UUID, uuid4

from domain import db
from domain.messages import writing
from domain.messages.tables import Message, Thread
from e2e.addresses import profile
from e2e.portal import Portal

MANY = 60
NEEDLE = "Renouvellement de la lévothyroxine"
TABLES = ("receipt", "attachment", "draft", "assignment", "message", "thread")


def is_emptied(portal: Portal) -> None:
    portal.change("UPDATE message SET answers = NULL")
    for table in TABLES:
        portal.change(f"DELETE FROM {table}")
    portal.change("DELETE FROM activity WHERE kind LIKE '%_received' OR kind = 'reply_sent'")


def writes_often(portal: Portal, count: int = MANY) -> None:
    """That many threads of Heather's, a day apart, the newest first; the 41st is the needle."""
    portal.run(_write(UUID(profile(portal).rpartition("/")[2]), portal, count))


async def _write(patient: UUID, portal: Portal, count: int) -> None:
    async with db.transaction():
        for n in range(count):
            at = portal.clock() - timedelta(days=n, minutes=1)
            subject = NEEDLE if n == 40 else f"Message {n}"
            thread = Thread(id=uuid4(), patient=patient, subject=subject, started_at=at)
            await Thread.insert(thread)
            await writing.add(
                thread,
                Message(
                    id=uuid4(),
                    thread=thread.id,
                    patient=patient,
                    sent_at=at,
                    kind="message",
                    sender="Dre Isabelle Roy",
                    written_by="accueil",
                    body="Bonjour.",
                ),
            )
