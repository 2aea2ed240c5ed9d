"""The sessions of the clinic's side: shorter than a patient's, and gone with the member."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import audit, clock, db
from domain.audit import Actor
from domain.clinic.settings import CLINIC_COLUMNS
from domain.links import hash_of
from domain.people.viewer import SessionEnds
from domain.staff import member as members
from domain.staff.member import Member
from domain.staff.tables import StaffSession

MOST_AT_ONCE = 3
ABSOLUTE_LIFE = timedelta(hours=12)
MARK_EVERY = timedelta(minutes=1)

_BY_SESSION = f"""
    SELECT m.id AS member_id, m.email AS member_email, m.first_name, m.last_name, m.role,
           m.practitioner, m.language, m.password_changed_at, s.id AS session_id,
           s.created_at AS session_created_at, s.last_used_at,
           {", ".join(f"c.{name}" for name in CLINIC_COLUMNS)}
    FROM staff_session s
    JOIN staff_member m ON m.id = s.member
    CROSS JOIN clinic c
    WHERE s.token_hash = {{}} AND m.deactivated_at IS NULL AND m.totp_secret <> ''
"""


async def begin(member: UUID, *, device: str, now: datetime) -> str:
    """A new session's token, the only copy of it; the oldest beyond three ends."""
    token, fresh = secrets.token_urlsafe(32), uuid4()
    async with db.transaction():
        await StaffSession.insert(
            StaffSession(
                id=fresh,
                token_hash=hash_of(token),
                member=member,
                created_at=now,
                last_used_at=now,
                device=device[:200],
            )
        )
        await db.fetch(
            """
            DELETE FROM staff_session WHERE member = {} AND id <> {} AND id NOT IN (
                SELECT id FROM staff_session WHERE member = {} AND id <> {}
                ORDER BY created_at DESC, id LIMIT {}
            )
            """,
            member,
            fresh,
            member,
            fresh,
            MOST_AT_ONCE - 1,
        )
    return token


async def member_of(
    token: str, *, request_id: str, is_use: bool = True, now: datetime
) -> Member | None:
    """Who holds this token, if its session is alive; marks the use once a minute."""
    rows = await db.fetch(_BY_SESSION, hash_of(token))
    if not rows:
        return None
    row = rows[0]
    used_at, limit = row["last_used_at"], timedelta(minutes=row["staff_idle_minutes"])
    ends_at = row["session_created_at"] + ABSOLUTE_LIFE
    if now >= used_at + limit or now >= ends_at:
        return None
    if clock.is_from_ahead(row["session_created_at"], now):
        return None
    if is_use and abs(now - used_at) >= MARK_EVERY:
        used_at = now
        where = StaffSession.id == row["session_id"]
        await StaffSession.update({StaffSession.last_used_at: now}).where(where)
    return members.from_row(row, SessionEnds(idle_at=used_at + limit, at=ends_at), request_id)


async def end(token: str, *, request_id: str, now: datetime) -> None:
    async with db.transaction():
        for row in await (
            StaffSession.delete()
            .where(StaffSession.token_hash == hash_of(token))
            .returning(StaffSession.id, StaffSession.member)
        ):
            actor = Actor("staff", row["member"], request_id)
            await audit.record(actor, "session.ended", subject=row["id"], at=now)


async def end_all(member: UUID, *, but: str = "") -> None:
    """Every browser this member is signed in from, but the one that holds this token."""
    await StaffSession.delete().where(
        (StaffSession.member == member) & (StaffSession.token_hash != hash_of(but))
    )


async def purge(*, now: datetime) -> None:
    await StaffSession.delete().where(StaffSession.created_at <= now - ABSOLUTE_LIFE)
