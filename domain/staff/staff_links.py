"""One-time links of the staff: to choose a password and set up the second factor, or to choose
another password alone. Random, hashed where they are kept, replaced by the newest."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from domain import db
from domain.errors import LinkExpired, LinkUsed
from domain.links import Links, Purpose, hash_of
from domain.staff.tables import StaffLink, StaffMember

Kind = Literal["enrol", "reset"]
PURPOSES: dict[str, Purpose] = {"enrol": Purpose.STAFF_ENROL, "reset": Purpose.STAFF_RESET}
LIVES: dict[str, timedelta] = {"enrol": timedelta(hours=72), "reset": timedelta(hours=1)}
PATHS = {"enrol": "/clinique/activation", "reset": "/clinique/reinitialisation"}
KEPT = timedelta(days=7)


async def issue(member: UUID, kind: Kind, *, links: Links, now: datetime) -> UUID:
    """An earlier link of the kind is dead from then on."""
    async with db.transaction():
        await db.lock_row(StaffMember, member)
        await _end(member, [kind], now)
        link = uuid4()
        await StaffLink.insert(
            StaffLink(
                id=link,
                member=member,
                purpose=kind,
                token_hash=hash_of(links.secret_token(PURPOSES[kind], link)),
                sent_at=now,
                expires_at=now + LIVES[kind],
            )
        )
    return link


def path_of(link: UUID, kind: Kind, links: Links) -> str:
    """Shown once to who made it, where no mail may get through."""
    return f"{PATHS[kind]}/{links.secret_token(PURPOSES[kind], link)}"


async def holder(token: str, kind: Kind, *, now: datetime) -> StaffMember:
    """Whose link it is; looking uses nothing up."""
    row = await StaffLink.objects().get(
        (StaffLink.token_hash == hash_of(token)) & (StaffLink.purpose == kind)
    )
    if row is None or row.ended_at is not None or now >= row.expires_at:
        raise LinkExpired
    if row.used_at is not None:
        raise LinkUsed
    member = await StaffMember.objects().get(StaffMember.id == row.member)
    if member is None or member.deactivated_at is not None:
        raise LinkExpired
    return member


async def use(token: str, kind: Kind, *, now: datetime) -> StaffMember:
    """In a transaction that holds the member's row. Of two who use it at once, one succeeds."""
    member = await holder(token, kind, now=now)
    used = await db.fetch(
        "UPDATE staff_link SET used_at = {} WHERE token_hash = {} AND used_at IS NULL"
        " AND ended_at IS NULL RETURNING id",
        now,
        hash_of(token),
    )
    if not used:
        raise LinkUsed
    return member


async def end_all(member: UUID, *, now: datetime) -> None:
    """Whatever was sent before the member changed opens nothing any more."""
    await _end(member, list(LIVES), now)


async def mailed(link: UUID, *, links: Links, now: datetime) -> tuple[StaffLink, str] | None:
    """A live link as its mail carries it."""
    row = await StaffLink.objects().get(StaffLink.id == link)
    if row is None or row.used_at or row.ended_at or now >= row.expires_at:
        return None
    token = links.mailed_token(PURPOSES[row.purpose], row.id, row.token_hash)
    return (row, f"{PATHS[row.purpose]}/{token}") if token else None


async def as_much_for_nobody(now: datetime) -> None:
    """As many statements as a link takes, so that their number tells nothing."""
    nobody = uuid4()
    await db.lock_row(StaffMember, nobody)
    await end_all(nobody, now=now)
    await StaffLink.objects().get(StaffLink.id == nobody)


async def purge(*, now: datetime) -> None:
    await StaffLink.delete().where(StaffLink.expires_at < now - KEPT)


async def _end(member: UUID, kinds: list[str], now: datetime) -> None:
    await StaffLink.update({StaffLink.ended_at: now}).where(
        (StaffLink.member == member)
        & StaffLink.purpose.is_in(kinds)
        & StaffLink.used_at.is_null()
        & StaffLink.ended_at.is_null()
    )
