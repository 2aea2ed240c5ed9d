"""Whatever people, the clinic and time do, in any order: the portal does what a simple model says.

The model is what the guide promises, in plain Python: no table, no SQL.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain import db
from domain.appointments import agenda, attendance, booking, slots, window
from domain.appointments.choices import ANYONE
from domain.appointments.slots import Search
from domain.audit import Actor
from domain.errors import (
    AlreadyBooked,
    AlreadyCancelled,
    ClashesWithOwnVisit,
    Conflict,
    NotFound,
    ProfileLost,
    Refusal,
    SlotNotOffered,
    SlotTaken,
    TooEarlyToConfirm,
    TooLateToCancel,
    TooLateToConfirm,
    TooMany,
    TooManyUpcoming,
)
from domain.people.policy import Grant
from domain.people.tables import ProxyGrant
from tests import databases
from tests.domain.values import local
from tests.world import World, build

T = TypeVar("T")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = local("2026-10-28T11:00")  # the clocks go back on Sunday 1 November
BIRTHDAY = local("2026-11-03T00:00")
BORN = date(2012, 11, 3)
LENGTH = 15 * MINUTE
AHEAD = (2, 47, 60, 71, 73, 100, 120, 145, 200)


@dataclass
class ModelSlot:
    id: UUID
    practitioner: UUID
    starts_at: datetime
    is_withdrawn: bool = False


@dataclass
class ModelVisit:
    id: UUID
    patient: str
    booked_by: str
    slot: UUID
    practitioner: UUID
    starts_at: datetime
    version: int = 1
    state: str = "booked"
    is_announced: bool = False

    @property
    def is_active(self) -> bool:
        return self.state != "cancelled"

    def overlaps(self, starts_at: datetime) -> bool:
        return self.is_active and abs(self.starts_at - starts_at) < LENGTH


class Portal(RuleBasedStateMachine):
    """A parent and another hold a child; each has a chart of their own, and so has a stranger."""

    runner: asyncio.Runner
    world: World
    serial = 0

    def run(self, work: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
        return self.runner.run(work)  # type: ignore[arg-type]

    # The cast, anew for each example

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.slots: list[ModelSlot] = []
        self.visits: list[ModelVisit] = []
        self.holds: dict[tuple[str, str], tuple[UUID, datetime]] = {}
        self.bookings: dict[str, list[datetime]] = {}
        self.cancellations: dict[str, list[datetime]] = {}
        self.journal: Counter[tuple[str, str, UUID]] = Counter()
        self.mails: Counter[tuple[str, str, UUID, int]] = Counter()
        self.sent_forms: dict[str, tuple[str, str, UUID, UUID]] = {}
        self.run(self._cast())
        for who, patient, n in (("parent", "parent", 4), ("parent", "child", 9)):
            self._book_what_is_shown(who, patient, n)

    async def _cast(self) -> None:
        type(self).serial += 1
        self.accounts: dict[str, UUID] = {}
        self.patients: dict[str, UUID] = {}
        self.granted: dict[tuple[str, str], str] = {}
        async with db.transaction():
            self.schedules = [await self._practitioner() for _ in range(2)]
            for name in ("parent", "other", "stranger"):
                self.accounts[name] = await self.world.account(f"{name}{self.serial}@example.com")
                self.patients[name] = await self.world.patient(name, "Gagnon", date(1985, 5, 2))
                await self._grant(name, name, "self")
            self.patients["child"] = await self.world.patient("child", "Gagnon", BORN)
            await self._grant("parent", "child", "parent")
            await self._grant("other", "child", "parent")
            for hours in AHEAD:
                for which in range(2):
                    await self._publish(which, NOW + hours * HOUR)

    async def _practitioner(self) -> tuple[UUID, UUID]:
        schedule = await self.world.another_practitioner(f"Nº {self.serial}")
        (row,) = await db.fetch("SELECT practitioner FROM schedule WHERE id = {}", schedule)
        return row["practitioner"], schedule

    async def _grant(self, account: str, patient: str, relationship: str) -> None:
        await self.world.grant(
            self.accounts[account], self.patients[patient], relationship=relationship
        )
        self.granted[account, patient] = relationship

    async def _publish(self, which: int, starts_at: datetime) -> None:
        practitioner, schedule = self.schedules[which]
        slot = await self.world.slot(starts_at, schedule=schedule)
        self.slots.append(ModelSlot(slot, practitioner, starts_at))

    # What the guide promises

    def may(self, account: str, patient: str) -> bool:
        relationship = self.granted.get((account, patient))
        return relationship == "self" or (relationship is not None and self.now < BIRTHDAY)

    def denied(self, account: str, patient: str) -> set[type[Refusal]]:
        if (account, patient) not in self.granted:
            return {NotFound}
        return set() if self.may(account, patient) else {ProfileLost}

    def is_open(self, slot: ModelSlot, account: str, patient: str) -> bool:
        holders = {
            who for who, (held, until) in self.holds.items() if held == slot.id and self.now < until
        }
        return (
            not slot.is_withdrawn
            and slot.starts_at >= self.now + HOUR
            and not any(visit.slot == slot.id for visit in self.active())
            and holders <= {(account, patient)}
        )

    def active(self) -> Iterator[ModelVisit]:
        return (visit for visit in self.visits if visit.is_active)

    def against_taking(self, slot: ModelSlot, account: str, patient: str) -> set[type[Refusal]]:
        reasons = self.denied(account, patient)
        if not self.is_open(slot, account, patient):
            reasons |= {SlotTaken, SlotNotOffered}
        for visit in self.active():
            if visit.patient == patient and visit.overlaps(slot.starts_at):
                reasons.add(AlreadyBooked if visit.slot == slot.id else ClashesWithOwnVisit)
        return reasons

    def against_booking(self, slot: ModelSlot, account: str, patient: str) -> set[type[Refusal]]:
        reasons = self.against_taking(slot, account, patient)
        if self.is_busy(slot):
            reasons.add(SlotTaken)
        coming = [v for v in self.active() if v.patient == patient and v.starts_at > self.now]
        if len(coming) >= 5:
            reasons.add(TooManyUpcoming)
        if self.recent(self.bookings, account, HOUR) >= 10:
            reasons.add(TooMany)
        return reasons

    def is_busy(self, slot: ModelSlot, but: ModelVisit | None = None) -> bool:
        return any(
            visit.practitioner == slot.practitioner and visit.overlaps(slot.starts_at)
            for visit in self.active()
            if visit is not but
        )

    def recent(self, done: dict[str, list[datetime]], account: str, span: timedelta) -> int:
        return sum(at > self.now - span for at in done.get(account, []))

    def readers(self, visit: ModelVisit, author: str | None) -> set[str]:
        """Who acted, who booked, and the patient's own account. Without any, all who may."""
        may = {name for name in self.accounts if self.may(name, visit.patient)}
        own = {name for name in may if self.granted[name, visit.patient] == "self"}
        return (may & {author, visit.booked_by}) | own or may

    def happened(self, what: str, visit: ModelVisit, author: str | None, *, mail: bool) -> None:
        self.journal[f"appointment.{what}", visit.patient, visit.id] += 1
        if mail:
            for name in self.readers(visit, author):
                self.mails[f"appointment_{what}", name, visit.id, visit.version] += 1

    # One step: the act is asked of the portal, and the model says what must come of it

    def step(self, act: Coroutine[Any, Any, T], reasons: set[type[Refusal]]) -> T | None:
        """The result; None where one of the reasons refused, as one had to."""
        self.refused: type[Refusal] | None = None
        result = None
        try:
            result = self.run(act)
        except Refusal as refusal:
            self.refused = type(refusal)
        assert self.refused in (reasons or {None})
        return result

    async def _viewer(self, account: str) -> Any:
        return await self.world.viewer(self.accounts[account])

    def choices(self) -> Any:
        return replace(self.world.choices, practitioner=ANYONE)

    accounts_ = st.sampled_from(["parent", "parent", "other", "other", "stranger"])
    patients_ = st.sampled_from(["child", "child", "parent", "other", "stranger"])
    numbers = st.integers(0, 999)

    def slot_at(self, n: int) -> ModelSlot:
        """Three times of four one that is still to come."""
        coming = [slot for slot in self.slots if slot.starts_at > self.now + HOUR]
        among = coming if n % 4 and coming else self.slots
        return among[n // 4 % len(among)]

    def visit_at(self, n: int) -> ModelVisit:
        active = list(self.active())
        among = active if n % 4 and active else self.visits
        return among[n // 4 % len(among)]

    @rule(account=accounts_, patient=patients_, n=numbers)
    def hold(self, account: str, patient: str, n: int) -> None:
        slot = self.slot_at(n)

        async def act() -> bool:
            viewer = await self._viewer(account)
            await booking.hold(
                viewer, self.patients[patient], self.choices(), slot.id, now=self.now
            )
            return True

        held, until = self.holds.get((account, patient), (None, self.now))
        is_mine = held == slot.id and self.now < until
        if self.step(act(), self.against_taking(slot, account, patient)) and not is_mine:
            for who, (held, _) in list(self.holds.items()):
                if held == slot.id:
                    del self.holds[who]
            self.holds[account, patient] = (slot.id, self.now + 5 * MINUTE)
            self.journal["slot.held", patient, slot.id] += 1

    @rule(account=accounts_, patient=patients_, n=numbers)
    def book(self, account: str, patient: str, n: int) -> None:
        self._try_to_book(account, patient, self.slot_at(n))

    def _try_to_book(self, account: str, patient: str, slot: ModelSlot) -> None:
        key = uuid4().hex
        made = self.step(
            self._book(account, patient, slot.id, key), self.against_booking(slot, account, patient)
        )
        if self.refused and issubclass(self.refused, Conflict):
            self.bookings.setdefault(account, []).append(self.now)  # a try counts
        if made is not None:
            self.sent_forms[key] = (account, patient, slot.id, made)
            self.bookings.setdefault(account, []).append(self.now)
            self.holds.pop((account, patient), None)
            visit = ModelVisit(made, patient, account, slot.id, slot.practitioner, slot.starts_at)
            visit.is_announced = visit.starts_at - self.now <= 72 * HOUR
            self.visits.append(visit)
            self.happened("booked", visit, account, mail=True)

    @rule(who=st.sampled_from(["parent", "other"]), is_own=st.booleans(), n=numbers)
    def book_as_one_does(self, who: str, is_own: bool, n: int) -> None:
        """For oneself or one's child, something that is still shown."""
        self._book_what_is_shown(who, who if is_own else "child", n)

    def _book_what_is_shown(self, who: str, patient: str, n: int) -> None:
        shown = [slot for slot in self.slots if self.is_open(slot, who, patient)]
        if shown:
            self._try_to_book(who, patient, shown[n % len(shown)])

    @precondition(lambda self: self.sent_forms)
    @rule(n=numbers)
    def send_a_form_again(self, n: int) -> None:
        key = list(self.sent_forms)[n % len(self.sent_forms)]
        account, patient, slot, made = self.sent_forms[key]
        again = self.step(self._book(account, patient, slot, key), self.denied(account, patient))
        assert again in {None, made}

    async def _book(self, account: str, patient: str, slot: UUID, key: str) -> UUID:
        viewer = await self._viewer(account)
        return await booking.book(
            viewer, self.patients[patient], self.choices(), slot, form_key=key, now=self.now
        )

    @precondition(lambda self: self.visits)
    @rule(account=st.one_of(st.none(), accounts_), n=numbers)
    def confirm(self, account: str | None, n: int) -> None:
        visit = self.visit_at(n)
        account = account or visit.booked_by
        reasons = self.denied(account, visit.patient)
        if visit.state == "cancelled":
            reasons.add(AlreadyCancelled)
        elif visit.state == "booked" and self.now < visit.starts_at - 72 * HOUR:
            reasons.add(TooEarlyToConfirm)
        elif visit.state == "booked" and self.now >= visit.starts_at:
            reasons.add(TooLateToConfirm)
        if self.step(self._attend("confirm", account, visit), reasons) and visit.state == "booked":
            visit.state = "confirmed"
            self.happened("confirmed", visit, account, mail=False)

    @precondition(lambda self: self.visits)
    @rule(account=st.one_of(st.none(), accounts_), n=numbers)
    def cancel(self, account: str | None, n: int) -> None:
        visit = self.visit_at(n)
        account = account or visit.booked_by
        reasons = self.denied(account, visit.patient)
        if visit.is_active and self.now > visit.starts_at - 48 * HOUR:
            reasons.add(TooLateToCancel)
        if visit.is_active and self.recent(self.cancellations, account, DAY) >= 5:
            reasons.add(TooMany)
        if self.step(self._attend("cancel", account, visit), reasons) and visit.is_active:
            visit.state = "cancelled"
            self.cancellations.setdefault(account, []).append(self.now)
            self.happened("cancelled", visit, account, mail=True)
            self.check_offered_to("stranger", "stranger")  # at once

    async def _attend(self, what: str, account: str, visit: ModelVisit) -> bool:
        verb = attendance.confirm if what == "confirm" else attendance.cancel
        viewer = await self._viewer(account)
        await verb(viewer, self.patients[visit.patient], visit.id, now=self.now)
        return True

    @precondition(lambda self: self.visits)
    @rule(visit_n=numbers, slot_n=numbers)
    def move(self, visit_n: int, slot_n: int) -> None:
        visit, slot = self.visit_at(visit_n), self.slot_at(slot_n)
        reasons: set[type[Refusal]] = set()
        if not visit.is_active or visit.starts_at <= self.now:
            reasons.add(NotFound)
        own = [v for v in self.active() if v.patient == visit.patient and v is not visit]
        if any(other.overlaps(slot.starts_at) for other in own):
            reasons.add(SlotNotOffered)
        is_taken = any(each.slot == slot.id for each in self.active())
        is_gone = slot.is_withdrawn or slot.starts_at <= self.now
        if is_taken or is_gone or self.is_busy(slot, but=visit):
            reasons.add(SlotTaken)
        secretary = Actor("staff", uuid4(), "model")

        async def act() -> bool:
            await attendance.move(secretary, visit.id, slot.id, now=self.now)
            return True

        if self.step(act(), reasons):
            visit.slot, visit.practitioner = slot.id, slot.practitioner
            visit.starts_at, visit.state = slot.starts_at, "booked"
            visit.version += 1
            visit.is_announced = visit.starts_at - self.now <= 72 * HOUR
            self.happened("moved", visit, None, mail=True)

    @rule(n=numbers)
    def withdraw_a_slot(self, n: int) -> None:
        slot = self.slot_at(n)
        if not slot.is_withdrawn:
            self.run(db.fetch("UPDATE slot SET withdrawn_at = {} WHERE id = {}", self.now, slot.id))
            slot.is_withdrawn = True

    @rule(which=st.integers(0, 1), ahead=st.integers(2, 260), shift=st.sampled_from([0, 5, 30]))
    def publish_a_slot(self, which: int, ahead: int, shift: int) -> None:
        """In hours from now; or over one that was withdrawn."""
        practitioner, _ = self.schedules[which]
        withdrawn = [s for s in self.slots if s.is_withdrawn and s.practitioner == practitioner]
        starts = self.now.replace(minute=0, second=0, microsecond=0) + ahead * HOUR
        if withdrawn and ahead % 2:
            starts = withdrawn[ahead % len(withdrawn)].starts_at + shift * MINUTE
        standing = [s for s in self.slots if not s.is_withdrawn and s.practitioner == practitioner]
        if all(abs(s.starts_at - starts) >= LENGTH for s in standing):
            self.run(self._publish(which, starts))

    @rule(account=st.sampled_from(["parent", "other"]))
    def withdraw_a_grant(self, account: str) -> None:
        if self.granted.pop((account, "child"), None):
            self.run(
                ProxyGrant.update({ProxyGrant.withdrawn_at: self.now})
                .where(
                    (ProxyGrant.account == self.accounts[account])
                    & (ProxyGrant.patient == self.patients["child"])
                )
                .run()
            )
        else:
            self.run(self._grant(account, "child", "parent"))

    # Time

    @rule(step=st.sampled_from([MINUTE, 5 * MINUTE, HOUR, 13 * HOUR]))
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @precondition(lambda self: self.visits)
    @rule(
        n=numbers,
        before=st.sampled_from([72 * HOUR, 48 * HOUR, timedelta(0)]),
        off=st.sampled_from([-timedelta(seconds=1), timedelta(0), timedelta(seconds=1)]),
    )
    def time_passes_to_a_limit(self, n: int, before: timedelta, off: timedelta) -> None:
        self.now = max(self.now, self.visit_at(n).starts_at - before + off)

    @precondition(lambda self: self.now < BIRTHDAY)
    @rule(off=st.sampled_from([-timedelta(seconds=1)] * 3 + [timedelta(0)]))
    def the_birthday_comes(self, off: timedelta) -> None:
        self.now = max(self.now, BIRTHDAY + off)

    @rule()
    def the_jobs_run(self) -> None:
        while self.run(window.open_due(now=self.now)):
            pass  # some at a time; those of earlier examples too
        self.run(booking.release_expired(now=self.now))
        for visit in self.visits:
            is_due = self.now < visit.starts_at <= self.now + 72 * HOUR
            if visit.state == "booked" and is_due and not visit.is_announced:
                visit.is_announced = True
                self.happened("confirmable", visit, None, mail=True)

    # What is seen

    @rule(account=accounts_, patient=patients_)
    def the_slots_are_looked_at(self, account: str, patient: str) -> None:
        self.check_offered_to(account, patient)

    def check_offered_to(self, account: str, patient: str) -> None:
        if not self.may(account, patient):
            return
        expected = {s.id for s in self.slots if self.is_open(s, account, patient)}
        assert self.run(self._offered(account, patient)) == expected

    async def _offered(self, account: str, patient: str) -> set[UUID]:
        viewer = await self._viewer(account)
        profile = viewer.acting_for(self.patients[patient], Grant.BOOK, self.now)
        search = Search(viewer, profile, self.choices(), self.now)
        found: set[UUID] = set()
        mine = {slot.id for slot in self.slots}
        day = self.now.date()
        last = max(slot.starts_at for slot in self.slots).date()
        while day <= last + timedelta(days=7):
            for half in ("morning", "afternoon"):
                week = await slots.open_week(search, day)
                for each in week.days:
                    shown = getattr(each, half)
                    if shown.hidden:
                        whole = await slots.open_week(search, day, opened=(each.date, half))
                        shown = getattr(whole.days[each.date.weekday()], half)
                    found |= {slot.id for slot in shown.slots}
            day += timedelta(days=7)
        return found & mine

    @precondition(lambda self: self.visits)
    @rule(account=accounts_)
    def the_visits_are_looked_at(self, account: str) -> None:
        for visit in self.visits:
            seen = self.step(self._look(account, visit), self.denied(account, visit.patient))
            if seen is not None:
                assert seen.state == visit.state
                waits = visit.state == "booked"
                opens = visit.starts_at - 72 * HOUR
                assert seen.may_confirm is (waits and opens <= self.now < visit.starts_at)
                in_time = self.now <= visit.starts_at - 48 * HOUR
                assert seen.may_cancel is (visit.is_active and in_time)

    async def _look(self, account: str, visit: ModelVisit) -> agenda.Visit:
        return await agenda.visit(await self._viewer(account), visit.id, now=self.now)

    # Always

    @invariant()
    def the_database_holds_what_the_model_does(self) -> None:
        if not hasattr(self, "visits"):
            return
        found = self.run(self._found())
        assert found["visits"] == {
            v.id: (v.slot, v.starts_at, v.state, v.version, self.accounts[v.booked_by])
            for v in self.visits
        }
        assert found["overlapping"] == 0
        names = {id: name for name, id in self.patients.items()}
        journal = Counter((r["action"], names[r["patient"]], r["subject"]) for r in found["lines"])
        assert journal == self.journal
        readers = {id: name for name, id in self.accounts.items()}
        mails: Counter[tuple[str, str, UUID, int]] = Counter()
        for row in found["mails"]:
            kind, visit, version, _ = row["once_key"].split(":")
            mails[kind, readers[row["account"]], UUID(visit), int(version)] += 1
        assert mails == self.mails

    async def _found(self) -> dict[str, Any]:
        people = list(self.patients.values())
        accounts = list(self.accounts.values())
        practitioners = [practitioner for practitioner, _ in self.schedules]
        of_people = ", ".join(["{}"] * len(people))
        of_accounts = ", ".join(["{}"] * len(accounts))
        rows = await db.fetch(f"SELECT * FROM appointment WHERE patient IN ({of_people})", *people)
        active = [row for row in rows if row["cancelled_at"] is None]
        assert all(row["practitioner"] in practitioners for row in rows)
        return {
            "visits": {
                row["id"]: (
                    row["slot"],
                    row["starts_at"],
                    _state(row),
                    row["version"],
                    row["booked_by"],
                )
                for row in rows
            },
            "overlapping": sum(
                one["practitioner"] == other["practitioner"]
                and one["starts_at"] < other["ends_at"]
                and other["starts_at"] < one["ends_at"]
                for n, one in enumerate(active)
                for other in active[n + 1 :]
            ),
            "lines": await db.fetch(
                f"SELECT action, patient, subject FROM audit_line WHERE patient IN ({of_people})",
                *people,
            ),
            "mails": await db.fetch(
                f"SELECT account, once_key FROM outbound_email WHERE account IN ({of_accounts})",
                *accounts,
            ),
        }


def _state(row: dict[str, Any]) -> str:
    if row["cancelled_at"]:
        return "cancelled"
    return "confirmed" if row["confirmed_at"] else "booked"


@pytest.fixture
def machine(template_database: databases.Template) -> Iterator[type[Portal]]:
    """On one database for all examples, each with a cast of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def enter() -> World:
            await stack.enter_async_context(template_database.copy())
            return await build(NOW)

        world = runner.run(enter())
        try:
            yield type("Portal", (Portal,), {"runner": runner, "world": world})
        finally:
            runner.run(stack.aclose())


def check(machine: type[Portal], examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_portal_does_what_the_model_says(machine: type[Portal]) -> None:
    check(machine, examples=16, steps=50)


@pytest.mark.soak
def test_the_portal_does_what_the_model_says_for_long(machine: type[Portal]) -> None:
    check(machine, examples=300, steps=60)
