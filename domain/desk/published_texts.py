"""The texts that the clinic publishes: its terms of use, and the disclaimer above each message.

A version that was published never changes: whoever accepted it accepted those words.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from piccolo.table import Table

from domain import audit, db
from domain.accounts.tables import TermsVersion
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.messages.tables import DisclaimerVersion
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import read

Which = Literal["terms", "disclaimer"]
TABLES: dict[Which, type[Table]] = {"terms": TermsVersion, "disclaimer": DisclaimerVersion}
LONGEST: dict[Which, int] = {"terms": 20_000, "disclaimer": 2_000}
LISTED = 50


@dataclass(frozen=True, slots=True)
class Text:
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    number: int
    published_at: datetime
    by: str
    """Empty where it came with the installation."""
    text: Text


async def history(member: Member, which: Which) -> list[Version]:
    """The newest first: that is the one in force."""
    member.check(Right.SETTINGS)
    rows = await TABLES[which].select().order_by(_number(which), ascending=False).limit(LISTED)
    authors = await _authors(which, [row["published_at"] for row in rows])
    return [_version(row, authors) for row in rows]


async def version(member: Member, which: Which, id: UUID) -> Version:
    found = [each for each in await history(member, which) if each.id == id]
    if not found:
        raise NotFound
    return found[0]


def check(which: Which, text: Text) -> Text:
    """As it would be published."""
    kept, problems = Text(read(text.fr), read(text.en)), {}
    for name, words in (("francais", kept.fr), ("anglais", kept.en)):
        if not words:
            problems[name] = "missing"
        elif len(words) > LONGEST[which]:
            problems[name] = "too_long"
    if problems:
        raise Invalid(problems)
    return kept


async def publish(
    member: Member, which: Which, text: Text, *, after: int, is_meant: bool, now: datetime
) -> UUID:
    """A new version, if `after` is still the last; the same text sent twice is published once."""
    member.check(Right.SETTINGS)
    kept = check(which, text)
    if not is_meant:
        raise Invalid({"compris": "missing"})
    async with db.transaction():
        await db.lock_key(f"publish {which}")
        last = await _last(which)
        number = last["number"] if last else 0
        if last and (last["text_fr"], last["text_en"]) == (kept.fr, kept.en):
            return UUID(str(last["id"]))
        if number != after:
            raise await _changed_meanwhile(which)
        id, table = uuid4(), TABLES[which]
        row: dict[str, Any] = {"text_fr": kept.fr, "text_en": kept.en, "published_at": now}
        await table.insert(table(id=id, number=number + 1, **row))
        await audit.record(member.actor, f"{which}.published", subject=id, at=now)
    return id


async def _last(which: Which) -> Mapping[str, Any] | None:
    rows = await TABLES[which].select().order_by(_number(which), ascending=False).limit(1)
    return rows[0] if rows else None


async def _changed_meanwhile(which: Which) -> ChangedMeanwhile:
    last = await _last(which)
    if last is None:
        return ChangedMeanwhile()
    authors = await _authors(which, [last["published_at"]])
    return ChangedMeanwhile(authors.get(last["id"], ""), last["published_at"])


async def _authors(which: Which, times: Collection[datetime]) -> dict[UUID, str]:
    """Found by when they published: the journal is long, and has no order of acts."""
    rows = await db.fetch(
        f"""
        SELECT l.subject, m.first_name || ' ' || m.last_name AS name
        FROM audit_line l JOIN staff_member m ON m.id = l.actor
        WHERE l.at IN ({db.places(times)}) AND l.actor_kind = 'staff' AND l.action = {{}}
        """,
        *times,
        f"{which}.published",
    )
    return {row["subject"]: row["name"] for row in rows}


def _number(which: Which) -> Any:
    return TABLES[which]._meta.get_column_by_name("number")


def _version(row: Mapping[str, Any], authors: Mapping[UUID, str]) -> Version:
    return Version(
        row["id"],
        row["number"],
        row["published_at"],
        authors.get(row["id"], ""),
        Text(row["text_fr"], row["text_en"]),
    )
