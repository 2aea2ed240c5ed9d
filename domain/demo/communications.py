"""What the clinic and the family wrote to each other, by the domain's own functions.

Each thing with the time at which it happened, so that receipts, « Activité », the journal and the
mails owed are those of a portal that was in use.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from domain import db
from domain.audit import Actor
from domain.demo import pdfs
from domain.demo.clinic import DemoClinic
from domain.demo.data.clinic import TEAMS, TIME_ZONE
from domain.demo.data.communications import FRESH_DAYS, TALKS, Bill, Paper, Said, Side, Talk
from domain.demo.data.people import KNOWN
from domain.demo.happenings import Happening
from domain.demo.people import TEXTS, DemoPeople
from domain.demo.rows import insert
from domain.messages import attachments, clinic_side, new_messages, replies, threads
from domain.messages.attachments import File, Stored
from domain.messages.clinic_side import ToSend
from domain.messages.files import Files
from domain.messages.new_messages import NewMessage
from domain.messages.replies import Reply
from domain.messages.tables import DisclaimerVersion
from domain.people import viewer as viewers
from domain.people.viewer import Viewer

STAFF = Actor("staff", None, "demo")
BY = "Mélanie Caron"
DISCLAIMER_DAYS_AGO = 4500
ZONE = ZoneInfo(TIME_ZONE)
NARROW = re.compile(r" (?=[:;?!»])|(?<=«) ")
NAMES = {each.key: f"{each.first_name} {each.last_name}" for each in KNOWN}
TEAM_KEYS = frozenset(team.key for team in TEAMS)
AT_VILLERAY = frozenset({"lavoie", "cote"})

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OPENS, OPEN_MINUTES = time(9), 7 * 60
SATURDAY = 5
READ_BEFORE = 4 * MINUTE
READ_AFTER = 5 * HOUR
SEEN_AFTER = HOUR
REFUSED_AFTER = 3 * DAY
CLOSED_AFTER = 2 * DAY
FIRST_NUMBER = 1041

Papers = Mapping[Talk, Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class Turn:
    by: Side
    at: datetime
    body: str
    may_answer: bool


@dataclass(slots=True)
class Talking:
    """A thread, while it happens."""

    talk: Talk
    clinic: DemoClinic
    patient: UUID
    viewer: Viewer
    stored: Sequence[Stored]
    turns: Sequence[Turn]
    thread: UUID | None = field(default=None)

    def happenings(self) -> Iterator[Happening]:
        for turn, following in zip(self.turns, [*self.turns[1:], None], strict=True):
            if turn.by == "patient":
                yield Happening(turn.at, partial(self._write, turn))
                yield Happening(turn.at + SEEN_AFTER, partial(self._see, turn.at + SEEN_AFTER))
                continue
            yield Happening(turn.at, partial(self._send, turn))
            if following is not None or not self.talk.is_unread:
                at = following.at - READ_BEFORE if following else turn.at + READ_AFTER
                yield Happening(at, partial(self._read, at))
        last = self.turns[-1].at
        if self.talk.is_refused:
            yield Happening(last + REFUSED_AFTER, partial(self._refuse, last + REFUSED_AFTER))
        if self.talk.is_closed:
            yield Happening(last + CLOSED_AFTER, partial(self._close, last + CLOSED_AFTER))

    async def _send(self, turn: Turn) -> None:
        is_team = self.talk.sender in TEAM_KEYS
        sender = self.clinic.ids[self.talk.sender]
        is_first = turn is self.turns[0]
        draft = ToSend(
            patient=self.patient,
            kind=self.talk.kind if is_first else "message",
            subject=spaced(self.talk.subject),
            body=turn.body,
            written_by=BY,
            practitioner=None if is_team else sender,
            team=sender if is_team else None,
            site=self.clinic.ids["villeray" if self.talk.sender in AT_VILLERAY else "rosemont"],
            thread=self.thread,
            may_answer=turn.may_answer,
        )
        stored = self.stored if is_first else ()
        self.thread = await clinic_side.post(STAFF, draft, stored, now=turn.at)

    async def _write(self, turn: Turn) -> None:
        viewer, patient, key = self.viewer, self.patient, str(uuid4())
        if self.thread is None:
            team = self.clinic.ids[self.talk.sender]
            new = NewMessage(team, spaced(self.talk.subject), turn.body, has_agreed=True)
            self.thread = await new_messages.send(viewer, patient, new, key=key, now=turn.at)
            return
        latest = (await threads.reply_to(viewer, patient, self.thread, now=turn.at)).latest
        reply = Reply(turn.body, has_agreed=True, answers=latest)
        await replies.send(viewer, patient, self.thread, reply, key=key, now=turn.at)

    async def _read(self, at: datetime) -> None:
        await threads.open(self.viewer, self.patient, self._known, now=at)

    async def _see(self, at: datetime) -> None:
        await clinic_side.seen(STAFF, await self._latest(), by=BY, now=at)

    async def _refuse(self, at: datetime) -> None:
        await clinic_side.refuse_reply(STAFF, await self._latest(), by=BY, now=at)

    async def _close(self, at: datetime) -> None:
        await clinic_side.close(STAFF, self._known, by=BY, now=at)

    async def _latest(self) -> UUID:
        rows = await db.fetch(
            "SELECT id FROM message WHERE thread = {} ORDER BY sent_at DESC LIMIT 1", self._known
        )
        latest: UUID = rows[0]["id"]
        return latest

    @property
    def _known(self) -> UUID:
        if self.thread is None:
            raise LookupError
        return self.thread


async def store(files: Files, *, now: datetime) -> Papers:
    """All PDFs, before the transaction of their rows. They are ours, so nobody checks them."""
    made = {talk: file for n, talk in enumerate(TALKS) if (file := pdf(talk, n, now))}
    kept = await asyncio.gather(*(attachments.stored([file], files) for file in made.values()))
    return dict(zip(made, kept, strict=True))


async def create(
    clinic: DemoClinic, people: DemoPeople, account: UUID, papers: Papers, *, now: datetime
) -> list[Happening]:
    await insert([_disclaimer(now)])
    viewer = await viewers.load(account, via="account", request_id="demo")
    talkings = [
        Talking(talk, clinic, people.patients[talk.patient], viewer, papers.get(talk, ()), turns)
        for talk in TALKS
        if (turns := list(turns_of(talk, now)))
    ]
    return [happening for talking in talkings for happening in talking.happenings()]


def pdf(talk: Talk, n: int, now: datetime) -> File | None:
    if talk.file is None:
        return None
    day, patient = begun_at(talk, now).astimezone(ZONE).date(), NAMES[talk.patient]
    if isinstance(talk.file, Bill):
        number = f"{day.year}-{FIRST_NUMBER + 7 * (len(TALKS) - n)}"
        return File(talk.file.file_name, pdfs.invoice(talk.file, number, patient, day))
    file = Paper(
        talk.file.file_name, spaced(talk.file.title), tuple(spaced(p) for p in talk.file.text)
    )
    return File(file.file_name, pdfs.paper(file, patient, day))


def turns_of(talk: Talk, now: datetime) -> Iterator[Turn]:
    first: Side = "patient" if talk.is_begun_by_patient else "clinic"
    at = begun_at(talk, now)
    yield Turn(first, at, spaced(talk.body), talk.may_answer)
    for said in talk.then:
        at = _next(at, said)
        yield Turn(said.by, at, spaced(said.body), said.may_answer)


def begun_at(talk: Talk, now: datetime) -> datetime:
    """What is fresh came just now; the rest on a working day, while the clinic was open."""
    at = now - talk.days_ago * DAY
    if talk.days_ago < FRESH_DAYS:
        return at
    day = at.astimezone(ZONE).date()
    day -= timedelta(days=max(0, day.weekday() - SATURDAY + 1))
    opens = datetime.combine(day, OPENS, ZONE)
    return (opens + (talk.days_ago * 97 % OPEN_MINUTES) * MINUTE).astimezone(now.tzinfo)


def spaced(text: str) -> str:
    """With the narrow spaces of French, as a careful secretary types them."""
    return NARROW.sub("\u00a0", text)


def _next(at: datetime, said: Said) -> datetime:
    """Nobody answers at the clinic on a weekend."""
    at += said.after * HOUR
    while said.by == "clinic" and at.astimezone(ZONE).weekday() >= SATURDAY:
        at += DAY
    return at


def _disclaimer(now: datetime) -> DisclaimerVersion:
    return DisclaimerVersion(
        id=uuid4(),
        number=1,
        text_fr=(TEXTS / "disclaimer.fr.txt").read_text("utf-8").strip(),
        text_en=(TEXTS / "disclaimer.en.txt").read_text("utf-8").strip(),
        published_at=now - timedelta(days=DISCLAIMER_DAYS_AGO),
    )
