"""What staff send: to one patient or to many, each in a thread that no other patient sees."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.accounts import access
from domain.clinic.calendar import moment
from domain.desk import communications, lists, practitioners, search
from domain.desk.communications import Party
from domain.desk.lists import Choice
from domain.desk.practitioners import Pick
from domain.desk.text_templates import addressed, odd_places
from domain.errors import Invalid, NotFound
from domain.messages import attachments, clinic_side
from domain.messages.attachments import File
from domain.messages.clinic_side import ToSend
from domain.messages.files import Files
from domain.messages.rules import GRANT_OF, KINDS, Kind
from domain.people.policy import Grant
from domain.staff import once
from domain.staff.member import Member
from domain.texts import read

MOST_RECIPIENTS = 200
MOST_FOUND = 20

_SEEN_BY = """(p.primary_practitioner = {}
    OR EXISTS (SELECT 1 FROM appointment v WHERE v.patient = p.id AND v.practitioner = {})
    OR EXISTS (SELECT 1 FROM message o WHERE o.patient = p.id AND o.practitioner = {}))"""
"""Whom a practitioner may write to: their patients."""


@dataclass(frozen=True, slots=True)
class Written:
    """As a member of staff typed it; « {prénom} » is still open."""

    kind: Kind
    signer: Party
    subject: str
    body: str
    may_answer: bool = False
    site: UUID | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    id: UUID
    first_name: str
    last_name: str
    birth_date: date
    read: frozenset[Kind]
    """Of these kinds someone has an account that opens what is sent."""

    @property
    def is_read(self) -> bool:
        return bool(self.read)

    @property
    def unread(self) -> list[Kind]:
        return [kind for kind in KINDS if kind not in self.read]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Signers:
    pick: Pick
    teams: Sequence[Choice]


async def signers(member: Member, chosen: UUID | None = None, name: str = "") -> Signers:
    """In whose name this member writes: a practitioner, in their own alone."""
    teams = [] if member.only is not None else await lists.teams()
    return Signers(await practitioners.pick(member, chosen, name, is_final=True), teams)


async def recipients(
    member: Member, patients: Collection[UUID], *, now: datetime
) -> list[Recipient]:
    """By name; raises where one of them is unknown, or not this member's to write to."""
    if not patients:
        return []
    found = await _people(member, f"p.id IN ({db.places(patients)})", [*patients], now=now)
    if len(found) != len(set(patients)):
        raise NotFound
    return found


async def find(member: Member, words: str, *, now: datetime) -> list[Recipient]:
    """By whatever is at hand, as in the list of patients."""
    typed = read(words)[: search.LONGEST]
    sought = search.understood(typed, member.clinic, member.clinic.today(now))
    if not sought.is_enough:
        return []
    parts = await search.conditions(sought)
    where = " AND ".join(condition for condition, _ in parts)
    values = [value for _, each in parts for value in each]
    return await _people(member, where, values, limit=MOST_FOUND, now=now)


async def seen_on(
    member: Member, practitioner: UUID, day: date, *, now: datetime
) -> list[Recipient]:
    """Everyone who has a visit of this practitioner on that day."""
    member.check_practitioner(practitioner)
    zone = member.clinic.zone
    begins, ends = (moment(each, time(), zone) for each in (day, day + timedelta(days=1)))
    where = """EXISTS (
        SELECT 1 FROM appointment d WHERE d.patient = p.id AND d.practitioner = {}
          AND d.cancelled_at IS NULL AND d.starts_at >= {} AND d.starts_at < {})"""
    return await _people(member, where, [practitioner, begins, ends], now=now)


async def send(
    member: Member,
    patients: Collection[UUID],
    written: Written,
    *,
    key: str,
    store: Files,
    now: datetime,
) -> UUID:
    """All or none; the first of the threads. The same form sent again gives the same one."""
    people = sorted(await recipients(member, patients, now=now), key=_id)
    if not people:
        raise Invalid({"recipients": "missing"})
    if len(people) > MOST_RECIPIENTS:
        raise Invalid({"recipients": "too_many"})
    await _check(member, written)
    content = _content(written, [each.id for each in people])
    if earlier := await once.earlier(member.id, "send", key, content):
        return earlier
    drafts = [_draft(member, written, each) for each in people]
    kept = await _keep(drafts, store, now=now)
    first = uuid4()
    drafts[0] = replace(drafts[0], new_thread=first)
    async with db.transaction():
        found = await once.claim(member.id, "send", key, content, result=first, now=now)
        if found == first:
            for draft, files in zip(drafts, kept, strict=True):
                await clinic_side.post(member.actor, draft, files, now=now)
    return found


async def answer(
    member: Member,
    thread: UUID,
    written: Written,
    *,
    key: str,
    seen: UUID | None = None,
    store: Files,
    now: datetime,
) -> None:
    """To a thread: what the patient's side wrote there is answered.

    `seen`: its newest message as it was read; of what a colleague wrote since, one is told first.
    """
    patient = await communications.patient_of(member, thread)
    (person,) = await _people(member, "p.id = {}", [patient], is_known=True, now=now)
    await _check(member, written)
    content = _content(written, [thread])
    if await once.earlier(member.id, "answer", key, content):
        return
    draft = replace(_draft(member, written, person), thread=thread, seen=seen)
    (files,) = await _keep([draft], store, now=now)
    made = uuid4()
    async with db.transaction():
        if await once.claim(member.id, "answer", key, content, result=made, now=now) == made:
            await clinic_side.post(member.actor, draft, files, now=now)


async def _keep(
    drafts: Sequence[ToSend], store: Files, *, now: datetime
) -> list[list[attachments.Stored]]:
    """Each recipient's own copies of the files, once everything has been found good."""
    for draft in drafts:
        clinic_side.check(draft)
    files = drafts[0].files
    await attachments.check_all(files, copies=len(drafts), now=now)
    return [await attachments.stored(files, store) for _ in drafts]


def _draft(member: Member, written: Written, to: Recipient) -> ToSend:
    return ToSend(
        patient=to.id,
        kind=written.kind,
        subject=addressed(written.subject, to.first_name),
        body=addressed(written.body, to.first_name),
        written_by=member.signature,
        practitioner=written.signer.practitioner,
        team=written.signer.team,
        site=written.site,
        files=written.files,
        may_answer=written.may_answer,
    )


async def _check(member: Member, written: Written) -> None:
    parts = {"subject": written.subject, "body": written.body}
    problems = {name: "odd_place" for name, text in parts.items() if odd_places(text)}
    if problems:
        raise Invalid(problems)
    signer = written.signer
    if signer.practitioner and not await practitioners.is_offered(member, signer.practitioner):
        raise Invalid({"sender": "unknown"})
    if signer.team and signer.team not in {each.id for each in (await signers(member)).teams}:
        raise Invalid({"sender": "unknown"})


async def _people(
    member: Member,
    where: str,
    values: Sequence[object],
    *,
    limit: int = MOST_RECIPIENTS + 1,
    is_known: bool = False,
    now: datetime,
) -> list[Recipient]:
    own: list[object] = []
    if member.only is not None and not is_known:
        where, own = f"({where}) AND {_SEEN_BY}", [member.only] * 3
    rows = await db.fetch(
        f"""
        SELECT p.id, p.first_name, p.last_name, p.birth_date FROM patient p WHERE {where}
        ORDER BY p.folded_name, p.birth_date, p.id LIMIT {{}}
        """,
        *values,
        *own,
        limit,
    )
    readers = await access.readers([row["id"] for row in rows], member.clinic, now=now)
    return [_recipient(row, readers.get(row["id"], frozenset())) for row in rows]


def _recipient(row: dict[str, Any], may: Collection[Grant]) -> Recipient:
    read = frozenset(kind for kind in KINDS if GRANT_OF[kind] in may)
    return Recipient(row["id"], row["first_name"], row["last_name"], row["birth_date"], read)


def _content(written: Written, about: Sequence[UUID]) -> str:
    files = [(file.name, hashlib.sha256(file.content).hexdigest()) for file in written.files]
    return json.dumps(
        [
            [str(each) for each in about],
            written.kind,
            str(written.signer),
            written.subject,
            written.body,
            written.may_answer,
            str(written.site),
            files,
        ]
    )


def _id(each: Recipient) -> UUID:
    return each.id
