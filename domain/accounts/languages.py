from datetime import datetime

from domain import audit, db
from domain.errors import Invalid
from domain.people.tables import Account
from domain.people.viewer import Viewer

LANGUAGES = ("fr", "en")


async def choose(viewer: Viewer, language: str, *, now: datetime) -> None:
    """In which an account is written to."""
    if language not in LANGUAGES:
        raise Invalid({"langue": "invalid"})
    async with db.transaction():
        await Account.update({Account.language: language}).where(Account.id == viewer.account.id)
        await audit.record(viewer.actor, "language.changed", subject=viewer.account.id, at=now)
