"""What a mail about a visit says when it leaves, if it is still true then."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.appointments import agenda
from domain.appointments.agenda import Visit
from domain.appointments.notices import MAIL_CLASS
from domain.clinic.settings import ClinicSettings
from domain.errors import NotAllowed, NotFound
from domain.links import Links, Purpose, VisitLink
from domain.mail import preferences
from domain.mail.delivery import Letter
from domain.people import viewer as viewers
from domain.people.policy import Grant
from domain.people.viewer import Viewer


@dataclass(frozen=True, slots=True)
class VisitLetter:
    kind: str
    address: str
    language: str
    clinic: ClinicSettings
    visit: Visit
    first_name: str | None
    confirm_token: str | None
    cancel_token: str | None
    shows_details: bool
    unsubscribe_token: str = ""


KINDS = frozenset(
    {
        "appointment_booked",
        "appointment_cancelled",
        "appointment_confirmable",
        "appointment_moved",
    }
)


async def compose(letter: Letter, *, links: Links, now: datetime) -> VisitLetter | None:
    """None when its cause is gone: cancelled or moved, access lost, visit begun, not wanted."""
    if letter.account is None:
        return None
    try:
        viewer = await viewers.load(letter.account, via="job", request_id=str(letter.id))
        visit = await agenda.visit(viewer, UUID(letter.facts["appointment"]), now=now)
    except (NotFound, NotAllowed):
        return None
    account, patient = viewer.account.id, visit.patient
    if MAIL_CLASS in await preferences.refused_classes(account, patient):
        return None
    if not _is_still_true(letter, visit, now):
        return None
    link = VisitLink(visit.id, visit.version, viewer.account.id)
    return VisitLetter(
        kind=letter.kind,
        address=viewer.account.email,
        language=viewer.account.language,
        clinic=viewer.clinic,
        visit=visit,
        first_name=named_patient(viewer, visit, now),
        confirm_token=links.sign_visit(Purpose.CONFIRM, link) if visit.may_confirm else None,
        cancel_token=links.sign_visit(Purpose.CANCEL, link) if visit.may_cancel else None,
        shows_details=viewer.clinic.mail_shows_details,
        unsubscribe_token=preferences.token_of(links, account, patient, MAIL_CLASS, now),
    )


def named_patient(viewer: Viewer, visit: Visit, now: datetime) -> str | None:
    """Whose visit it is, where this account's reader could not know."""
    profile = viewer.held(visit.patient)
    is_only_own = profile.is_own and len(viewer.with_grant(Grant.BOOK, now)) == 1
    return None if is_only_own else profile.first_name


def _is_still_true(letter: Letter, visit: Visit, now: datetime) -> bool:
    if letter.kind == "appointment_cancelled":
        return visit.state == "cancelled"
    if visit.state == "cancelled" or now >= visit.starts_at:
        return False
    if letter.kind == "appointment_confirmable" and not visit.may_confirm:
        return False
    return visit.version == int(letter.facts["version"])
