"""The journal as the clinic reads it: who saw or did what of whom, with everyone's name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from domain import audit, db
from domain.clinic.calendar import moment
from domain.clinic.settings import ClinicSettings
from domain.errors import Invalid, NotFound
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import folded, one_line, read_id

PAGE = 50
MOST_EXPORTED = 10_000
LONGEST_RANGE = 31
LONGEST_SEARCH = 80
MOST = 2**62
OWN_READING = "read.staff.journal"
GROUPS: dict[str, tuple[str, ...]] = {
    "lectures": ("read.%",),
    "rendez-vous": ("appointment.%", "slot.%", "open_day.%", "absence.%", "schedule.%"),
    "communications": ("communication%", "message.%", "attachment.%", "template.%", "mail.%"),
    "acces": ("access%", "consent.%", "chart.%", "invitation.%", "request.%", "block.%"),
    "dossiers": (
        *("patient.%", "phones.%", "primary_practitioner.%", "registration.%"),
        *("mail_preferences.%", "language.%", "account%", "activation%", "email_change.%"),
    ),
    "connexions": ("sign%", "session%", "password%", "second_factor%", "recovery%", "staff.%"),
    "reglages": (
        *("clinic.%", "setting.%", "site.%", "specialty.%", "practitioner.%", "visit_type.%"),
        *("team.%", "terms%", "disclaimer.%", "incident.%"),
    ),
    "exports": ("export%", "%.exported"),
}
"""What may be searched for, as beginnings of what is recorded."""

Outcome = Literal["", "fait", "refuse"]


@dataclass(frozen=True, slots=True)
class Search:
    """As it was typed."""

    patient: str = ""
    member: str = ""
    group: str = ""
    first: str = ""
    last: str = ""
    outcome: str = ""
    without_visit: bool = False
    """Only what staff saw or did of patients who had no visit, within a year before or to come."""
    with_own_reading: bool = False
    """The reading of this very journal too."""


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    at: datetime
    who: str
    """The kind of actor: staff, account, mail_link, job, stranger."""
    name: str
    role: str
    patient: UUID | None
    patient_name: str
    action: str
    outcome: str
    request_id: str
    is_without_visit: bool

    @property
    def is_refused(self) -> bool:
        return not self.outcome.startswith("done")


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    older: int | None

    @property
    def patients(self) -> list[UUID]:
        return list(dict.fromkeys(line.patient for line in self.lines if line.patient))


@dataclass(frozen=True, slots=True)
class Colleague:
    id: UUID
    name: str


async def colleagues(member: Member) -> list[Colleague]:
    """Those whose acts may be searched for; the ones who left too."""
    member.check(Right.JOURNAL)
    rows = await db.fetch(
        "SELECT id, first_name || ' ' || last_name AS name FROM staff_member"
        " ORDER BY last_name, first_name, id"
    )
    return [Colleague(**row) for row in rows]


async def search(member: Member, asked: Search, *, before: int | None) -> Page:
    member.check(Right.JOURNAL)
    return await _page(asked, member.clinic, before)


async def of_patient(member: Member, patient: UUID, *, before: int | None) -> Page:
    """« Qui a consulté ce dossier », for a patient who asks the clinic."""
    member.check(Right.PATIENTS)
    rows = await _rows(["l.patient = {}", "l.actor_kind <> 'job'"], [patient], before, PAGE + 1)
    return _cut(await _named(rows))


async def export(
    member: Member, asked: Search, *, part: int | None = None, now: datetime
) -> list[Line]:
    """The newest first; of what has more lines than a file, one part, the oldest being the first.

    So no part but the last changes with what is written meanwhile: that a file was taken away,
    and of whom it tells.
    """
    member.check(Right.JOURNAL)
    rows = await _exported(member, asked, part)
    lines = await _named(rows)
    async with db.transaction():
        await audit.record(member.actor, "journal.exported", at=now)
        patients = Page(lines, None).patients
        await audit.record_each(member.actor, OWN_READING, patients, at=now)
    return lines


async def parts(member: Member, asked: Search) -> int:
    """How many files all its lines take."""
    member.check(Right.JOURNAL)
    return -(-await _number(asked, member.clinic) // MOST_EXPORTED)


async def _exported(member: Member, asked: Search, part: int | None) -> list[dict[str, Any]]:
    first, last = _days(asked)
    problems = {name: "missing" for name, day in (("du", first), ("au", last)) if day is None}
    if problems:
        raise Invalid(problems)
    if first and last and (last - first).days >= LONGEST_RANGE:
        raise Invalid({"au": "too_long"})
    conditions, values = _conditions(asked, member.clinic)
    if part is None:
        rows = await _rows(conditions, values, None, MOST_EXPORTED + 1)
        if len(rows) > MOST_EXPORTED:
            raise Invalid({"au": "too_many"})
        return rows
    newer = await _number(asked, member.clinic) - part * MOST_EXPORTED
    if part < 1 or newer <= -MOST_EXPORTED:
        raise NotFound
    return await _rows(
        conditions, values, None, MOST_EXPORTED + min(newer, 0), skipped=max(newer, 0)
    )


async def _number(asked: Search, clinic: ClinicSettings) -> int:
    conditions, values = _conditions(asked, clinic)
    condition = " AND ".join(["l.id > 0", *conditions])
    (row,) = await db.fetch(f"SELECT count(*) AS n FROM audit_line l WHERE {condition}", *values)
    return int(row["n"])


async def _page(asked: Search, clinic: ClinicSettings, before: int | None) -> Page:
    conditions, values = _conditions(asked, clinic)
    return _cut(await _named(await _rows(conditions, values, before, PAGE + 1)))


def _cut(lines: list[Line]) -> Page:
    return Page(lines[:PAGE], lines[PAGE - 1].id if len(lines) > PAGE else None)


_YEAR_BEFORE = {
    True: "l.at - INTERVAL '365 days'",
    False: "strftime('%Y-%m-%d %H:%M:%S', l.at, '-365 days')",
}
"""For PostgreSQL and for SQLite: the longest ago that a visit still explains a reading."""
_WITHOUT_VISIT = """
    l.actor_kind = 'staff' AND l.patient IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM appointment ap
        WHERE ap.patient = l.patient AND ap.booked_at <= l.at
          AND (ap.cancelled_at IS NULL OR ap.cancelled_at > l.at)
          AND ap.starts_at > %s)
"""


def _without_visit() -> str:
    return _WITHOUT_VISIT % _YEAR_BEFORE[db.is_postgres()]


def _conditions(asked: Search, clinic: ClinicSettings) -> tuple[list[str], list[Any]]:
    parts: list[tuple[str, list[Any]]] = []
    if words := folded(one_line(asked.patient)[:LONGEST_SEARCH]):
        # Never a wildcard of the typist's: what is searched for is what is written.
        names = "SELECT id FROM patient WHERE folded_name LIKE {} ESCAPE '!'"
        parts.append((f"l.patient IN ({names})", [f"%{_literal(words)}%"]))
    if (id := read_id(asked.member)) is not None:
        parts.append(("l.actor_kind = 'staff' AND l.actor = {}", [id]))
    if likes := GROUPS.get(asked.group):
        parts.append((_any_of(likes), list(likes)))
    elif not asked.with_own_reading:
        parts.append(("l.action <> {}", [OWN_READING]))
    parts += _of_days(asked, clinic) + _of_outcome(asked)
    if asked.without_visit:
        parts.append((_without_visit(), []))
    return [part for part, _ in parts], [value for _, values in parts for value in values]


def _any_of(likes: Iterable[str]) -> str:
    return "(" + " OR ".join("l.action LIKE {}" for _ in likes) + ")"


def _literal(words: str) -> str:
    for special in "!%_":
        words = words.replace(special, f"!{special}")
    return words


def _days(asked: Search) -> tuple[date | None, date | None]:
    """Both ends of the range; what is no date, or the wrong way round, is said of its field."""
    problems, found = {}, []
    for name, text in (("du", asked.first), ("au", asked.last)):
        try:
            found.append(date.fromisoformat(one_line(text)) if one_line(text) else None)
        except ValueError:
            problems[name] = "odd"
    if not problems and found[0] and found[1] and found[1] < found[0]:
        problems["au"] = "too_early"
    if problems:
        raise Invalid(problems)
    return found[0], found[1]


def _of_days(asked: Search, clinic: ClinicSettings) -> list[tuple[str, list[Any]]]:
    first, last = _days(asked)
    parts: list[tuple[str, list[Any]]] = []
    if first:
        parts.append(("l.at >= {}", [moment(first, time(0), clinic.zone)]))
    if last and last < date.max:
        parts.append(("l.at < {}", [moment(last + timedelta(days=1), time(0), clinic.zone)]))
    return parts


def _of_outcome(asked: Search) -> list[tuple[str, list[Any]]]:
    if asked.outcome == "fait":
        return [("l.outcome LIKE 'done%'", [])]
    return [("l.outcome NOT LIKE 'done%'", [])] if asked.outcome == "refuse" else []


async def _rows(
    conditions: list[str], values: list[Any], before: int | None, limit: int, *, skipped: int = 0
) -> list[dict[str, Any]]:
    condition, marked = " AND ".join(["l.id < {}", *conditions]), _without_visit()
    return await db.fetch(
        f"""
        SELECT l.id, l.at, l.actor_kind, l.actor, l.patient, l.action, l.outcome, l.request_id,
               p.first_name || ' ' || p.last_name AS patient_name,
               m.first_name || ' ' || m.last_name AS member_name, m.role,
               CASE WHEN {marked} THEN 1 ELSE 0 END AS is_without_visit
        FROM audit_line l
        LEFT JOIN patient p ON p.id = l.patient
        LEFT JOIN staff_member m ON m.id = l.actor AND l.actor_kind = 'staff'
        WHERE {condition} ORDER BY l.id DESC LIMIT {{}} OFFSET {{}}
        """,
        before or MOST,
        *values,
        limit,
        skipped,
    )


async def _named(rows: list[dict[str, Any]]) -> list[Line]:
    accounts = {row["actor"] for row in rows if row["actor_kind"] in ("account", "mail_link")}
    names = await _names_of(list(accounts - {None}))
    return [_line(row, names) for row in rows]


async def _names_of(accounts: list[UUID]) -> dict[UUID, str]:
    """Their own profile's name, else as they signed up."""
    rows = await db.fetch(
        f"""
        SELECT a.id, coalesce(p.first_name, r.first_name, '') AS first_name,
               coalesce(p.last_name, r.last_name, '') AS last_name
        FROM account a
        LEFT JOIN proxy_grant g
          ON g.account = a.id AND g.relationship = 'self' AND g.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = g.patient
        LEFT JOIN registration r ON r.account = a.id
        WHERE a.id IN ({db.places(accounts)})
        """,
        *accounts,
    )
    return {row["id"]: f"{row['first_name']} {row['last_name']}".strip() for row in rows}


def _line(row: Mapping[str, Any], names: Mapping[UUID, str]) -> Line:
    is_job = row["actor_kind"] == "job"
    return Line(
        id=row["id"],
        at=row["at"].astimezone(UTC),
        who=row["actor_kind"],
        name=row["member_name"] or names.get(row["actor"], row["request_id"] if is_job else ""),
        role=row["role"] or "",
        patient=row["patient"],
        patient_name=row["patient_name"] or "",
        action=row["action"],
        outcome=row["outcome"],
        request_id=row["request_id"],
        is_without_visit=bool(row["is_without_visit"]),
    )
