"""A message becomes a row, and everything that must follow from it does, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from domain import activity, receipts
from domain.accounts.access import names_of_holders
from domain.mail import outbox
from domain.messages import disclaimers
from domain.messages.tables import Message, Thread
from domain.people.viewer import Viewer
from domain.texts import folded

LONGEST_SENDER = 120


async def add(thread: Thread, message: Message, *, file_names: Sequence[str] = ()) -> None:
    """Within the caller's transaction.

    The clinic's is told to everyone who holds the profile; who may read it is asked when they do.
    """
    now: datetime = message.sent_at
    message.folded = folded(" ".join([thread.subject, message.sender, message.body, *file_names]))
    await Message.insert(message)
    if message.account is not None:
        await activity.tell(message.patient, "reply_sent", thread.id, about=now, now=now)
        return
    told = f"{message.kind}_received"
    await activity.tell(message.patient, told, thread.id, about=now, now=now)
    for account in await receipts.give(message.id):
        await outbox.post(
            told,
            account,
            once_key=f"{once_key(message.id)}{account}",
            message=message.id,
            patient=message.patient,
            now=now,
        )


def once_key(message: UUID) -> str:
    """How the keys of its mails begin: one to each account."""
    return f"communication:{message}:"


async def from_patient_side(
    viewer: Viewer,
    thread: UUID,
    patient: UUID,
    body: str,
    *,
    answers: UUID | None = None,
    now: datetime,
) -> Message:
    """As `add` takes it: signed by its writer, under the clause that they have read."""
    disclaimer = await disclaimers.current(viewer.account.language)
    return Message(
        id=uuid4(),
        thread=thread,
        patient=patient,
        kind="message",
        sender=await _signature(viewer, patient),
        account=viewer.account.id,
        body=body,
        sent_at=now,
        answers=answers,
        disclaimer=disclaimer and disclaimer.id,
    )


async def _signature(viewer: Viewer, patient: UUID) -> str:
    """The name of whoever writes for this patient: of their own chart, else as they signed up.

    Empty where the clinic has neither: an address to sign in with is told to nobody else.
    """
    own = next((profile.full_name for profile in viewer.profiles if profile.is_own), "")
    name = own or (await names_of_holders(patient)).get(viewer.account.id, "")
    return name[:LONGEST_SENDER].strip()
