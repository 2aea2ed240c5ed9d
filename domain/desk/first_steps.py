"""What a clinic that was just set up still lacks, and whether its mails arrive."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import throttles
from domain.mail import outbox
from domain.staff import limits
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.staff.tables import StaffMember


@dataclass(frozen=True, slots=True)
class TrialMail:
    asked_at: datetime
    sent_at: datetime | None
    error: str
    """What the mail server said last, while the mail has not left."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    free_slots: int
    staff: int
    patients: int
    mail: TrialMail | None


async def are_due(member: UUID) -> bool:
    """Whoever sets up the clinic is there alone."""
    return not await StaffMember.exists().where(StaffMember.id != member)


async def look(member: Member, *, now: datetime) -> FirstSteps:
    member.check(Right.SETTINGS)
    rows = await db.fetch(
        """
        SELECT (SELECT count(*) FROM slot WHERE starts_at > {} AND withdrawn_at IS NULL) AS slots,
               (SELECT count(*) FROM staff_member WHERE deactivated_at IS NULL) AS staff,
               (SELECT count(*) FROM patient) AS patients
        """,
        now,
    )
    counted = rows[0]
    return FirstSteps(counted["slots"], counted["staff"], counted["patients"], await _latest())


async def send_test(member: Member, *, now: datetime) -> None:
    """To who asks for it."""
    member.check(Right.SETTINGS)
    await throttles.take(limits.TEST_MAILS, "clinic", now=now)
    async with db.transaction():
        await outbox.post("staff_test", None, address=member.email, member=member.id, now=now)
        await audit.record(member.actor, "mail.tested", at=now)


async def _latest() -> TrialMail | None:
    rows = await db.fetch(
        """
        SELECT created_at, sent_at, last_error FROM outbound_email WHERE kind = 'staff_test'
        ORDER BY created_at DESC LIMIT 1
        """
    )
    if not rows:
        return None
    return TrialMail(rows[0]["created_at"], rows[0]["sent_at"], rows[0]["last_error"])
