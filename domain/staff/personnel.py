"""Who works at the clinic: added, changed, let go. By an administrator, or from the console."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import addresses, throttles
from domain.accounts.languages import LANGUAGES
from domain.audit import Actor
from domain.clinic.tables import Practitioner
from domain.errors import (
    ChangedMeanwhile,
    Invalid,
    LastAdministrator,
    NotFound,
    NotOneself,
)
from domain.links import Links
from domain.mail import outbox
from domain.people import names
from domain.staff import limits, notices, once, sessions, staff_links
from domain.staff.member import Member
from domain.staff.roles import Right, Role
from domain.staff.tables import StaffMember

PAGE = 50
CONSOLE = "portal admin"
ADMINISTRATORS = (
    StaffMember.role == Role.ADMINISTRATOR.value
) & StaffMember.deactivated_at.is_null()
State = Literal["active", "invited", "expired", "gone"]


@dataclass(frozen=True, slots=True)
class Form:
    """As typed."""

    prenom: str = ""
    nom: str = ""
    courriel: str = ""
    role: str = ""
    intervenant: str = ""
    langue: str = "fr"

    @classmethod
    def of(cls, typed: Mapping[str, Any]) -> "Form":
        return cls(**{f.name: str(typed.get(f.name, f.default)) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Colleague:
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    practitioner: UUID | None
    practitioner_name: str
    language: str
    version: int
    is_enrolled: bool
    invited_until: datetime | None
    """While a link to take their place is alive."""
    last_used_at: datetime | None
    """Of their open sessions."""
    deactivated_at: datetime | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def state(self) -> State:
        if self.deactivated_at is not None:
            return "gone"
        if self.is_enrolled:
            return "active"
        return "invited" if self.invited_until else "expired"

    @property
    def form(self) -> Form:
        return Form(
            prenom=self.first_name,
            nom=self.last_name,
            courriel=self.email,
            role=self.role,
            intervenant=str(self.practitioner or ""),
            langue=self.language,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    rows: list[Colleague]
    after: UUID | None
    """The last one shown, where there are more."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A form that can be taken as it is."""

    first_name: str
    last_name: str
    email: str
    canonical: str
    role: Role
    practitioner: UUID | None
    language: str


_COLLEAGUE = """
    SELECT m.id, m.email, m.first_name, m.last_name, m.role, m.practitioner, m.language, m.version,
           m.totp_secret <> '' AS is_enrolled, m.deactivated_at,
           coalesce(p.title || ' ' || p.first_name || ' ' || p.last_name, '') AS practitioner_name
    FROM staff_member m LEFT JOIN practitioner p ON p.id = m.practitioner
"""


async def colleagues(
    member: Member, *, are_gone: bool = False, after: UUID | None = None, now: datetime
) -> Listing:
    member.check(Right.STAFF)
    gone = "m.deactivated_at IS NOT NULL" if are_gone else "m.deactivated_at IS NULL"
    cursor = (
        "(m.last_name, m.first_name, m.id) >"
        " (SELECT a.last_name, a.first_name, a.id FROM staff_member a WHERE a.id = {})"
    )
    where = f"{gone} AND {cursor}" if after else gone
    rows = await db.fetch(
        f"{_COLLEAGUE} WHERE {where} ORDER BY m.last_name, m.first_name, m.id LIMIT {PAGE + 1}",
        *([after] if after else []),
    )
    shown = await _with_times(rows[:PAGE], now)
    return Listing(shown, shown[-1].id if len(rows) > PAGE else None)


async def colleague(member: Member, id: UUID, *, now: datetime) -> Colleague:
    member.check(Right.STAFF)
    rows = await db.fetch(f"{_COLLEAGUE} WHERE m.id = {{}}", id)
    if not rows:
        raise NotFound
    return (await _with_times(rows, now))[0]


async def add(member: Member, form: Form, *, key: str, links: Links, now: datetime) -> UUID:
    """With a link by mail, by which they choose a password and set up their codes."""
    member.check(Right.STAFF)
    entry = _read(form)
    new = uuid4()
    async with _free(entry, new), db.transaction():
        found = await once.claim(member.id, "staff.add", key, repr(form), result=new, now=now)
        if found == new:
            await _insert(new, entry, member.actor, member.signature, now)
            await _mail_link(new, entry.email, links, now)
    return found


async def change(member: Member, id: UUID, form: Form, version: int, *, now: datetime) -> None:
    member.check(Right.STAFF)
    entry = _read(form)
    async with _free(entry, id), db.transaction():
        await _lock_administrators()
        before = await _row(id)
        if entry.role is not Role.ADMINISTRATOR:
            await _check_not_last(before)
        await _update(before, entry, version)
        if before.email_canonical != entry.canonical:
            await staff_links.end_all(id, now=now)
            await notices.alert(id, before.email, "email", now=now)
        await audit.record(member.actor, "staff.changed", subject=id, at=now)


async def send_link(member: Member, id: UUID, *, links: Links, now: datetime) -> None:
    """Also for a lost device: what they had works until the link is used."""
    member.check(Right.STAFF)
    await throttles.take(limits.LINKS_SENT, id.hex, now=now)
    async with db.transaction():
        await db.lock_row(StaffMember, id)
        row = await _row(id)
        if row.deactivated_at is not None:
            raise NotFound
        await _mail_link(id, row.email, links, now)
        await audit.record(member.actor, "staff.link_sent", subject=id, at=now)


async def deactivate(member: Member, id: UUID, *, now: datetime) -> None:
    """Out at their next request; what they wrote and did keeps their name."""
    member.check(Right.STAFF)
    if id == member.id:
        raise NotOneself
    async with db.transaction():
        await _lock_administrators()
        await db.lock_row(StaffMember, id)
        row = await _row(id)
        if row.deactivated_at is not None:
            return
        await _check_not_last(row)
        await StaffMember.update(
            {
                StaffMember.deactivated_at: now,
                StaffMember.deactivated_by: member.signature,
                StaffMember.version: row.version + 1,
            }
        ).where(StaffMember.id == id)
        await sessions.end_all(id)
        await staff_links.end_all(id, now=now)
        await audit.record(member.actor, "staff.deactivated", subject=id, at=now)


async def reactivate(member: Member, id: UUID, *, now: datetime) -> None:
    """With the password and the application that they had."""
    member.check(Right.STAFF)
    async with db.transaction():
        await db.lock_row(StaffMember, id)
        row = await _row(id)
        if row.deactivated_at is None:
            return
        await StaffMember.update(
            {
                StaffMember.deactivated_at: None,
                StaffMember.deactivated_by: "",
                StaffMember.version: row.version + 1,
            }
        ).where(StaffMember.id == id)
        await audit.record(member.actor, "staff.reactivated", subject=id, at=now)


async def from_console(form: Form, *, is_another: bool, links: Links, now: datetime) -> str:
    """The path of a one-time link: of the first administrator, of another where that is said, or
    of one who is there already and has lost their device."""
    entry = _read(Form(**{**_typed(form), "role": Role.ADMINISTRATOR, "intervenant": ""}))
    actor = Actor("console", None, CONSOLE)
    async with db.transaction():
        await _lock_administrators()
        known = await StaffMember.objects().get(StaffMember.email_canonical == entry.canonical)
        if known is not None and (known.deactivated_at or known.role != Role.ADMINISTRATOR):
            raise Invalid({"courriel": "taken"})
        if known is None and not is_another and await StaffMember.exists().where(ADMINISTRATORS):
            raise LastAdministrator
        id = known.id if known else uuid4()
        if known is None:
            await _insert(id, entry, actor, CONSOLE, now)
        else:
            await audit.record(actor, "staff.link_sent", subject=id, at=now)
        link = await _mail_link(id, entry.email, links, now)
    return staff_links.path_of(link, "enrol", links)


async def first(form: Form, actor: Actor, *, links: Links, now: datetime) -> str:
    """In the transaction that makes the clinic: the path of its administrator's link."""
    entry, id = _read(form), uuid4()
    await _insert(id, entry, actor, actor.request_id[:120], now)
    return staff_links.path_of(await _mail_link(id, entry.email, links, now), "enrol", links)


def problems(form: Form) -> dict[str, str]:
    """By field; none: it can be taken as it is, unless the database knows better."""
    found = {name: _problem_of_name(getattr(form, name)) for name in ("prenom", "nom")}
    if not addresses.sendable(form.courriel):
        found["courriel"] = "malformed" if form.courriel.strip() else "missing"
    if form.role not in list(Role):
        found["role"] = "missing"
    if form.role == Role.PRACTITIONER and _id(form.intervenant) is None:
        found["intervenant"] = "missing"
    return {name: problem for name, problem in found.items() if problem}


def _read(form: Form) -> _Entry:
    if found := problems(form):
        raise Invalid(found)
    role = Role(form.role)
    return _Entry(
        first_name=names.read(form.prenom),
        last_name=names.read(form.nom),
        email=form.courriel.strip(),
        canonical=addresses.canonical(form.courriel),
        role=role,
        practitioner=_id(form.intervenant) if role is Role.PRACTITIONER else None,
        language=form.langue if form.langue in LANGUAGES else LANGUAGES[0],
    )


def _problem_of_name(typed: str) -> str:
    name = names.read(typed)
    return "missing" if not name else "too_long" if len(name) > names.LONGEST else ""


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _typed(form: Form) -> dict[str, str]:
    return {field.name: getattr(form, field.name) for field in fields(form)}


async def _insert(id: UUID, entry: _Entry, actor: Actor, by: str, now: datetime) -> None:
    await StaffMember.insert(
        StaffMember(
            id=id,
            email=entry.email,
            email_canonical=entry.canonical,
            first_name=entry.first_name,
            last_name=entry.last_name,
            role=entry.role,
            practitioner=entry.practitioner,
            language=entry.language,
            created_at=now,
            created_by=by,
        )
    )
    await audit.record(actor, "staff.added", subject=id, at=now)


async def _update(before: StaffMember, entry: _Entry, version: int) -> None:
    changed = (
        await StaffMember.update(
            {
                StaffMember.first_name: entry.first_name,
                StaffMember.last_name: entry.last_name,
                StaffMember.email: entry.email,
                StaffMember.email_canonical: entry.canonical,
                StaffMember.role: entry.role.value,
                StaffMember.practitioner: entry.practitioner,
                StaffMember.language: entry.language,
                StaffMember.version: version + 1,
            }
        )
        .where((StaffMember.id == before.id) & (StaffMember.version == version))
        .returning(StaffMember.id)
    )
    if not changed:
        raise ChangedMeanwhile


async def _mail_link(id: UUID, email: str, links: Links, now: datetime) -> UUID:
    link = await staff_links.issue(id, "enrol", links=links, now=now)
    await outbox.post("staff_invitation", None, address=email, member=id, link=link, now=now)
    return link


async def _row(id: UUID) -> StaffMember:
    row = await StaffMember.objects().get(StaffMember.id == id)
    if row is None:
        raise NotFound
    return row


async def _check_not_last(row: StaffMember) -> None:
    """Someone must be left who can sign in and let others in."""
    is_one = row.role == Role.ADMINISTRATOR and row.deactivated_at is None
    can_sign_in = StaffMember.totp_secret != ""
    if is_one and not await StaffMember.exists().where(
        ADMINISTRATORS & can_sign_in & (StaffMember.id != row.id)
    ):
        raise LastAdministrator


async def _lock_administrators() -> None:
    """Two administrators who let each other go at once: one comes first."""
    await db.lock_key("staff-administrators")


@asynccontextmanager
async def _free(entry: _Entry, id: UUID) -> AsyncIterator[None]:
    """What the database refuses is said of the field that it is about."""
    if entry.practitioner is not None and not await _may_have(id, entry.practitioner):
        raise Invalid({"intervenant": "missing"})
    try:
        yield
    except Exception as error:
        if db.conflict_kind(error) not in {"unique", "fk"}:
            raise
        raise Invalid(await _taken(entry, id) or {"courriel": "taken"}) from error


async def _taken(entry: _Entry, id: UUID) -> dict[str, str]:
    """By someone else than this member."""
    others = StaffMember.id != id
    found = {}
    if await StaffMember.exists().where(others & (StaffMember.email_canonical == entry.canonical)):
        found["courriel"] = "taken"
    if entry.practitioner is not None and await StaffMember.exists().where(
        others & (StaffMember.practitioner == entry.practitioner)
    ):
        found["intervenant"] = "taken"
    return found


async def _may_have(id: UUID, practitioner: UUID) -> bool:
    """Whoever is still offered; somebody's own also after that."""
    own = (StaffMember.id == id) & (StaffMember.practitioner == practitioner)
    offered = (Practitioner.id == practitioner) & Practitioner.ended_at.is_null()
    return await Practitioner.exists().where(offered) or await StaffMember.exists().where(own)


async def _with_times(rows: list[dict[str, Any]], now: datetime) -> list[Colleague]:
    """Until when each may still take their place, and when they were last at work."""
    ids = [row["id"] for row in rows]
    invited = await db.fetch(
        f"""
        SELECT member, expires_at AS at FROM staff_link
        WHERE member IN ({db.places(ids)}) AND purpose = 'enrol' AND used_at IS NULL
          AND ended_at IS NULL AND expires_at > {{}} ORDER BY expires_at
        """,
        *ids,
        now,
    )
    used = await db.fetch(
        f"""
        SELECT member, last_used_at AS at FROM staff_session
        WHERE member IN ({db.places(ids)}) ORDER BY last_used_at
        """,
        *ids,
    )
    until, last = ({row["member"]: row["at"] for row in found} for found in (invited, used))
    return [
        Colleague(
            **{**row, "is_enrolled": bool(row["is_enrolled"])},
            invited_until=until.get(row["id"]),
            last_used_at=last.get(row["id"]),
        )
        for row in rows
    ]
