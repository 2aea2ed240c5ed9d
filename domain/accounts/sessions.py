import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import audit, clock, db
from domain.accounts.tables import Session
from domain.audit import Actor
from domain.links import hash_of
from domain.people import viewer
from domain.people.viewer import SessionEnds, Viewer

MOST_AT_ONCE = 5
ABSOLUTE_LIFE = timedelta(hours=12)
MARK_EVERY = timedelta(minutes=1)


async def begin(account: UUID, *, device: str, now: datetime) -> str:
    """A new session's token, the only copy of it; the oldest beyond five ends."""
    token = secrets.token_urlsafe(32)
    async with db.transaction():
        await Session.insert(
            Session(
                id=uuid4(),
                token_hash=hash_of(token),
                account=account,
                created_at=now,
                last_used_at=now,
                device=device[:200],
            )
        )
        await db.fetch(
            """
            DELETE FROM session WHERE account = {} AND id NOT IN (
                SELECT id FROM session WHERE account = {} ORDER BY created_at DESC LIMIT {}
            )
            """,
            account,
            account,
            MOST_AT_ONCE,
        )
    return token


async def viewer_of(
    token: str, *, request_id: str, is_use: bool = True, now: datetime
) -> Viewer | None:
    """Who holds this token, if its session is alive; marks the use once a minute."""
    rows = await db.fetch(viewer.BY_SESSION, hash_of(token))
    if not rows:
        return None
    session = rows[0]
    used_at, limit = session["last_used_at"], timedelta(minutes=session["idle_minutes"])
    ends_at = session["session_created_at"] + ABSOLUTE_LIFE
    if now >= used_at + limit or now >= ends_at:
        return None
    if clock.is_from_ahead(session["session_created_at"], now):
        return None
    if is_use and abs(now - used_at) >= MARK_EVERY:
        used_at = now
        await Session.update({Session.last_used_at: now}).where(Session.id == session["session_id"])
    found = viewer.from_rows(rows, Actor("account", session["account_id"], request_id))
    return replace(found, session=SessionEnds(idle_at=used_at + limit, at=ends_at))


async def renew(account: UUID, token: str) -> str:
    """This account's session under a fresh token, for what it may do has changed; its times stay.

    Empty where there is none: it ended meanwhile, or is another account's.
    """
    fresh = secrets.token_urlsafe(32)
    renewed = await (
        Session.update({Session.token_hash: hash_of(fresh)})
        .where((Session.account == account) & (Session.token_hash == hash_of(token)))
        .returning(Session.id)
    )
    return fresh if renewed else ""


async def end(token: str, *, request_id: str, now: datetime) -> None:
    """Whose token it is ends it; nothing, where it has ended already."""
    async with db.transaction():
        for row in await (
            Session.delete()
            .where(Session.token_hash == hash_of(token))
            .returning(Session.id, Session.account)
        ):
            actor = Actor("account", row["account"], request_id)
            await audit.record(actor, "session.ended", subject=row["id"], at=now)


async def end_all(account: UUID, *, but: str = "") -> None:
    """Every browser this account is signed in from, but the one that holds this token."""
    await Session.delete().where(
        (Session.account == account) & (Session.token_hash != hash_of(but))
    )


async def purge(*, now: datetime) -> None:
    await Session.delete().where(Session.created_at <= now - ABSOLUTE_LIFE)
