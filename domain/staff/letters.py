"""What a mail to a member of the staff says when it leaves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.links import Links
from domain.mail.delivery import Letter
from domain.staff import staff_links
from domain.staff.tables import StaffMember

WITH_LINK = {"staff_invitation", "staff_reset"}
KINDS = {*WITH_LINK, "staff_alert", "staff_test"}


@dataclass(frozen=True, slots=True)
class StaffLetter:
    kind: str
    address: str
    language: str
    clinic: ClinicSettings
    first_name: str
    path: str
    """Where its button leads."""
    what: str
    """Of an alert: what happened."""
    happened_at: datetime
    life: timedelta | None


async def compose(letter: Letter, *, links: Links, now: datetime) -> StaffLetter | None:
    """None when its cause is gone: link used or replaced, member deactivated."""
    member = await StaffMember.objects().get(StaffMember.id == UUID(letter.facts["member"]))
    if member is None or member.deactivated_at is not None:
        return None
    path, life = "/clinique", None
    if letter.kind in WITH_LINK:
        found = await staff_links.mailed(UUID(letter.facts["link"]), links=links, now=now)
        if found is None:
            return None
        link, path = found
        life = staff_links.LIVES[link.purpose]
    return StaffLetter(
        kind=letter.kind,
        address=letter.address,
        language=member.language,
        clinic=await current_settings(),
        first_name=member.first_name,
        path=path,
        what=letter.facts.get("what", ""),
        happened_at=letter.created_at,
        life=life,
    )
