"""What a mail about a communication says when it leaves, if it is still to be read then."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import db
from domain.clinic.settings import ClinicSettings
from domain.errors import NotFound
from domain.links import Links
from domain.mail import preferences
from domain.mail.delivery import Letter
from domain.messages import rules
from domain.people import viewer as viewers
from domain.people.viewer import Viewer

MAIL_CLASS = "notification"
KINDS = frozenset(f"{kind}_received" for kind in rules.KINDS)


@dataclass(frozen=True, slots=True)
class CommunicationLetter:
    """That there is something to read, and where: never what."""

    kind: str
    address: str
    language: str
    clinic: ClinicSettings
    patient: UUID
    thread: UUID
    first_name: str | None
    unsubscribe_token: str = ""


async def compose(letter: Letter, *, links: Links, now: datetime) -> CommunicationLetter | None:
    """None when its cause is gone: read already, access or profile lost, not wanted."""
    unread = await _unread(letter)
    if unread is None:
        return None
    try:
        viewer = await viewers.load(unread["account"], via="job", request_id=str(letter.id))
    except NotFound:
        return None  # disabled meanwhile
    account, patient = viewer.account.id, unread["patient"]
    if unread["kind"] not in rules.visible_kinds(viewer, patient, now):
        return None
    if MAIL_CLASS in await preferences.refused_classes(account, patient):
        return None
    return CommunicationLetter(
        kind=letter.kind,
        address=viewer.account.email,
        language=viewer.account.language,
        clinic=viewer.clinic,
        patient=patient,
        thread=unread["thread"],
        first_name=named_patient(viewer, patient, now),
        unsubscribe_token=preferences.token_of(links, account, patient, MAIL_CLASS, now),
    )


def named_patient(viewer: Viewer, patient: UUID, now: datetime) -> str | None:
    """Whom it is for, where this account's reader could not know."""
    profile = viewer.held(patient)
    read = [each for each in viewer.profiles if rules.visible_kinds(viewer, each.id, now)]
    return None if profile.is_own and len(read) == 1 else profile.first_name


async def _unread(letter: Letter) -> dict[str, Any] | None:
    rows = await db.fetch(
        """
        SELECT account, patient, thread, kind FROM receipt
        WHERE message = {} AND account = {} AND read_at IS NULL
        """,
        UUID(letter.facts["message"]),
        letter.account,
    )
    return next(iter(rows), None)
