"""Texts that staff use again and again: put into a message, where they can be changed."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts.languages import LANGUAGES
from domain.clinic.tables import TextTemplate
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.messages.clinic_side import LONGEST_CLINIC_BODY
from domain.messages.rules import LONGEST_SUBJECT
from domain.messages.texts_to_send import has_words
from domain.staff import once
from domain.staff.member import Member
from domain.texts import one_line, read

LONGEST_NAME = 80
MOST = 200
FIRST_NAME = "{prénom}"
SPELLINGS = (FIRST_NAME, "{prenom}", "{Prénom}", "{first name}")
PLACE = re.compile(r"\{[^{}\n]{1,40}\}")
_COLUMNS = "id, name, language, subject, body, changed_at, changed_by, version"


@dataclass(frozen=True, slots=True)
class Text:
    """As it was typed."""

    name: str = ""
    language: str = "fr"
    subject: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    id: UUID
    name: str
    language: str
    subject: str
    body: str
    changed_at: datetime
    changed_by: str
    version: int


def addressed(text: str, first_name: str) -> str:
    """With the patient's first name where the text leaves its place open."""
    for spelling in SPELLINGS:
        text = text.replace(spelling, first_name)
    return text


def odd_places(text: str) -> list[str]:
    """Places left open that nothing fills: the patient would read « {nom} »."""
    return [found for found in PLACE.findall(text) if found not in SPELLINGS]


async def every() -> list[Stored]:
    rows = await db.fetch(
        f"""
        SELECT {_COLUMNS} FROM text_template WHERE ended_at IS NULL
        ORDER BY language DESC, name, id LIMIT {MOST}
        """
    )
    return [Stored(**row) for row in rows]


async def find(template: UUID) -> Stored:
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM text_template WHERE id = {{}} AND ended_at IS NULL", template
    )
    if not rows:
        raise NotFound
    return Stored(**rows[0])


async def create(member: Member, text: Text, *, key: str, now: datetime) -> UUID:
    typed, made = _checked(text), uuid4()
    async with db.transaction():
        found = await once.claim(
            member.id, "template", key, "\0".join(map(str, typed.values())), result=made, now=now
        )
        if found != made:
            return found
        await TextTemplate.insert(
            TextTemplate(id=made, changed_at=now, changed_by=member.signature, **typed)
        )
        await audit.record(member.actor, "template.created", subject=made, at=now)
    return made


async def change(
    member: Member, template: UUID, text: Text, version: int, *, now: datetime
) -> None:
    typed = _checked(text)
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE text_template SET name = {}, language = {}, subject = {}, body = {},
                changed_at = {}, changed_by = {}, version = version + 1
            WHERE id = {} AND version = {} AND ended_at IS NULL RETURNING id
            """,
            *typed.values(),
            now,
            member.signature,
            template,
            version,
        )
        if not rows:
            newer = await find(template)
            if typed == {name: getattr(newer, name) for name in typed}:
                return  # sent twice: it is as they wanted it
            raise ChangedMeanwhile(newer.changed_by, newer.changed_at)
        await audit.record(member.actor, "template.changed", subject=template, at=now)


async def end(member: Member, template: UUID, *, now: datetime) -> None:
    """Offered no more. What was written with it stays as it is."""
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE text_template SET ended_at = {}, changed_by = {}
            WHERE id = {} AND ended_at IS NULL RETURNING id
            """,
            now,
            member.signature,
            template,
        )
        if rows:
            await audit.record(member.actor, "template.ended", subject=template, at=now)
        elif not await TextTemplate.exists().where(TextTemplate.id == template):
            raise NotFound


def _checked(text: Text) -> dict[str, Any]:
    name, subject, body = one_line(text.name), one_line(text.subject), read(text.body)
    found = {
        "nom": _problem(name, LONGEST_NAME),
        "langue": "" if text.language in LANGUAGES else "missing",
        "sujet": _problem(subject, LONGEST_SUBJECT, is_optional=True) or _odd_place(subject),
        "texte": _problem(body, LONGEST_CLINIC_BODY) or _odd_place(body),
    }
    if problems := {field: problem for field, problem in found.items() if problem}:
        raise Invalid(problems)
    return {"name": name, "language": text.language, "subject": subject, "body": body}


def _problem(text: str, longest: int, *, is_optional: bool = False) -> str:
    if not (is_optional or has_words(text)):
        return "missing"
    return "too_long" if len(text) > longest else ""


def _odd_place(text: str) -> str:
    return "odd_place" if odd_places(text) else ""
