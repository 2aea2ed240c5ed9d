"""« Appareils connectés »: where an account is signed in, in plain words, and how to end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain import audit, db
from domain.accounts import sessions
from domain.accounts.sessions import ABSOLUTE_LIFE
from domain.accounts.tables import Session
from domain.errors import NotFound
from domain.links import hash_of
from domain.people.viewer import Viewer

# The first that fits: many browsers name the others too.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Device:
    id: UUID
    browser: str
    system: str
    """Both empty where it does not say."""
    signed_in_at: datetime
    last_used_at: datetime
    is_this: bool


async def connected(viewer: Viewer, token: str, *, now: datetime) -> list[Device]:
    """The session that asks first, then those last used."""
    idle = timedelta(minutes=viewer.clinic.idle_minutes)
    rows = await db.fetch(
        """
        SELECT id, token_hash, device, created_at, last_used_at FROM session
        WHERE account = {} AND created_at > {} AND last_used_at > {}
        ORDER BY last_used_at DESC, id
        """,
        viewer.account.id,
        now - ABSOLUTE_LIFE,
        now - idle,
    )
    devices = [
        Device(
            id=row["id"],
            browser=named(row["device"], BROWSERS),
            system=named(row["device"], SYSTEMS),
            signed_in_at=row["created_at"],
            last_used_at=row["last_used_at"],
            is_this=row["token_hash"] == hash_of(token),
        )
        for row in rows
    ]
    return sorted(devices, key=lambda device: not device.is_this)


def named(agent: str, names: dict[str, str]) -> str:
    return next((name for sign, name in names.items() if sign in agent), "")


async def end(viewer: Viewer, device: UUID, *, now: datetime) -> None:
    """One of this account's own; it is signed out at its next request."""
    async with db.transaction():
        ended = await (
            Session.delete()
            .where((Session.id == device) & (Session.account == viewer.account.id))
            .returning(Session.id)
        )
        if not ended:
            raise NotFound
        await audit.record(viewer.actor, "session.ended", subject=device, at=now)


async def end_others(viewer: Viewer, token: str, *, now: datetime) -> None:
    async with db.transaction():
        await sessions.end_all(viewer.account.id, but=token)
        await audit.record(viewer.actor, "sessions.ended", subject=viewer.account.id, at=now)
