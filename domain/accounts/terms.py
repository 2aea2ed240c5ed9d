from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts.tables import TermsAcceptance, TermsVersion
from domain.errors import NotFound
from domain.people.viewer import Viewer


class Terms(NamedTuple):
    id: UUID
    number: int
    text: str


async def current(language: str) -> Terms:
    row = await TermsVersion.objects().order_by(TermsVersion.number, ascending=False).first()
    if row is None:
        raise NotFound
    return Terms(row.id, row.number, row.text_en if language == "en" else row.text_fr)


async def accept(viewer: Viewer, terms: UUID, language: str, *, now: datetime) -> None:
    """Accept the version that was read; if another came meanwhile, it is asked for next."""
    if not await TermsVersion.exists().where(TermsVersion.id == terms):
        raise NotFound
    row = TermsAcceptance(
        id=uuid4(), terms=terms, account=viewer.account.id, language=language, accepted_at=now
    )
    async with db.transaction():
        await TermsAcceptance.insert(row).on_conflict(action="DO NOTHING")
        await audit.record(viewer.actor, "terms_accepted", subject=terms, at=now)
