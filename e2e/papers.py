"""A letter with a PDF, as the clinic sends one to Heather."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from domain import db
from domain.messages import attachments, writing
from domain.messages.files import store_of
from domain.messages.tables import Message, Thread
from e2e.addresses import profile
from e2e.portal import Portal
from tests import pdfs

SUBJECT = "Résultats de votre bilan"
FILE_NAME = "Bilan d’avril.pdf"
TITLE = "Bilan d’avril"
CONTENT = pdfs.good("Bilan", pages=3)


@dataclass(frozen=True)
class Paper:
    thread: str
    """Its page."""
    file: str


def arrives(portal: Portal) -> Paper:
    home = profile(portal)
    thread = Thread(
        id=uuid4(),
        patient=UUID(home.rpartition("/")[2]),
        subject=SUBJECT,
        started_at=portal.clock(),
    )
    file = portal.run(_send(portal, thread))
    return Paper(f"{home}/communications/{thread.id}", f"{home}/pieces-jointes/{file}")


def is_damaged(portal: Portal, paper: Paper) -> None:
    """What lies in the store is no longer what was put there."""
    id = paper.file.rpartition("/")[2]
    portal.change("UPDATE attachment SET sha256 = ? WHERE id = ?", "0" * 64, id)


async def _send(portal: Portal, thread: Thread) -> UUID:
    now = portal.clock()
    files = [attachments.File(FILE_NAME, CONTENT)]
    stored = await attachments.stored(files, store_of(portal.settings))
    message = Message(
        id=uuid4(),
        thread=thread.id,
        patient=thread.patient,
        sent_at=now,
        kind="document",
        sender="Dre Camille Roy",
        written_by="accueil",
        body="Bonjour, voici vos résultats.",
    )
    async with db.transaction():
        await Thread.insert(thread)
        await writing.add(thread, message, file_names=[FILE_NAME])
        await attachments.add(message.id, stored, now=now)
    shown = await attachments.of_messages([message.id])
    return shown[message.id][0].id
