"""Accesses given, agreed to and taken back in any order, while a child comes of age.

Nobody ever sees what the policy denies: whatever is asked of the portal by an account about a
patient, the answer is what a simple model of the accesses says.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
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
from domain.accounts import access, access_journal, losses
from domain.accounts.access import Consent
from domain.appointments import agenda
from domain.appointments import letters as visit_letters
from domain.audit import Actor
from domain.errors import AlreadyHeld, Invalid, LinkDead, NotAllowed, NotFound, ProfileLost, Refusal
from domain.links import Links, UnsubscribeLink
from domain.mail.delivery import Letter
from domain.mail.preferences import Unsubscribing
from domain.people import identity
from domain.people.policy import Grant
from domain.people.viewer import Viewer
from tests import databases
from tests.domain.values import local
from tests.world import World, build

T = TypeVar("T")
NOW = local("2026-10-30T21:00")
BIRTHDAY = local("2026-11-02T00:00")  # the day after the clocks go back
BORN = {"child": date(2012, 11, 2), "adult": date(1950, 5, 2), "toddler": date(2024, 2, 29)}
STAFF = Actor("staff", None, "model")
LINKS = Links(("k" * 32,))
ACCOUNTS = ("owner", "one", "two", "stranger")
PATIENTS = tuple(BORN)


@dataclass
class ModelAccess:
    id: UUID
    relationship: str
    grants: frozenset[Grant]
    consent: tuple[datetime | None] | None = None

    def agrees(self, now: datetime) -> bool:
        return self.consent is not None and (self.consent[0] is None or now < self.consent[0])


class Accesses(RuleBasedStateMachine):
    runner: asyncio.Runner
    world: World
    serial = 0

    def run(self, work: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
        return self.runner.run(work)  # type: ignore[arg-type]

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.age: int | None = 14
        self.turn = 0
        self.held: dict[tuple[str, str], ModelAccess] = {}
        self.run(self._cast())

    async def _cast(self) -> None:
        type(self).serial += 1
        self.accounts: dict[str, UUID] = {}
        self.patients: dict[str, UUID] = {}
        self.visits: dict[str, UUID] = {}
        async with db.transaction():
            # Where no law says an age, a clinic without one shows nothing.
            await self.world.set_clinic(province="ON", consent_age=14)
            for name in ACCOUNTS:
                self.accounts[name] = await self.world.account(f"{name}{self.serial}@example.com")
            for n, (name, born) in enumerate(BORN.items()):
                self.patients[name] = await self.world.patient(name, "Gagnon", born)
                at = NOW + timedelta(days=100 + 10 * self.serial, hours=n)
                self.visits[name] = await self.world.appointment(at, patient=self.patients[name])
            own = await self.world.grant(
                self.accounts["owner"], self.patients["adult"], relationship="self"
            )
        self.held["owner", "adult"] = ModelAccess(own, "self", frozenset(Grant))

    # What the guide promises

    def is_of_age(self, patient: str) -> bool:
        if self.age is None or patient == "adult":
            return True
        return patient == "child" and self.age == 14 and self.now >= BIRTHDAY

    def may_open(self, account: str, patient: str) -> bool:
        mine = self.held.get((account, patient))
        if mine is None:
            return False
        return mine.relationship == "self" or not self.is_of_age(patient) or mine.agrees(self.now)

    def denied(self, account: str, patient: str) -> type[Refusal] | None:
        if (account, patient) not in self.held:
            return NotFound
        return None if self.may_open(account, patient) else ProfileLost

    def may(self, account: str, patient: str, grant: Grant) -> bool:
        if not self.may_open(account, patient):
            return False
        grants = self.held[account, patient].grants
        writes = grant is Grant.READ_MESSAGES and Grant.SEND_MESSAGES in grants
        return grant in grants or writes

    def answers(self, account: str, patient: str) -> dict[str, Any]:
        no = self.denied(account, patient)
        mine = self.held.get((account, patient))
        is_own = mine is not None and mine.relationship == "self"
        is_parent = mine is not None and mine.relationship in {"parent", "guardian"}
        may_read = is_own or (is_parent and not self.is_of_age(patient))
        may_book = self.may(account, patient, Grant.BOOK)
        return {
            "profile": no,
            "grants": {grant for grant in Grant if self.may(account, patient, grant)},
            "visit": None if may_book else no or NotAllowed,
            "journal": no or (None if may_read else NotAllowed),
            "identity": no or (None if is_own else NotAllowed),
            "holders": no or (None if is_own else NotAllowed),
            "unsubscribing": LinkDead if no else None,
            "mail": may_book,
        }

    # What the portal answers

    async def _asked(self, account: str, patient: str) -> dict[str, Any]:
        viewer = await self.world.viewer(self.accounts[account])
        id, visit, now = self.patients[patient], self.visits[patient], self.now
        link = UnsubscribeLink(viewer.account.id, id, "appointment")
        token = LINKS.sign_unsubscribe(link, now)
        facts = {"appointment": str(visit), "version": "1"}
        letter = Letter(uuid4(), "appointment_booked", viewer.account.id, facts, now, 0)
        mail = await visit_letters.compose(letter, links=LINKS, now=now)
        return {
            "profile": await refusal_of(self._open(viewer, id)),
            "grants": {grant for grant in Grant if viewer.may(grant, id, now)},
            "visit": await refusal_of(agenda.visit_of(viewer, id, visit, now=now)),
            "journal": await refusal_of(access_journal.journal(viewer, id, now=now)),
            "identity": await refusal_of(identity.own_identity(viewer, id, now=now)),
            "holders": await refusal_of(access.holders(viewer, id, now=now)),
            "unsubscribing": await refusal_of(
                Unsubscribing.of(token, LINKS, request_id="model", now=now)
            ),
            "mail": mail is not None,
        }

    async def _open(self, viewer: Viewer, patient: UUID) -> None:
        viewer.opening(patient, self.now)

    @invariant()
    def nobody_sees_what_is_denied(self) -> None:
        """One account at each step: every one has its turn."""
        self.turn += 1
        account = ACCOUNTS[self.turn % len(ACCOUNTS)]
        for patient in PATIENTS:
            asked = self.run(self._asked(account, patient))
            assert (account, patient, asked) == (account, patient, self.answers(account, patient))

    # What people do

    others = st.sampled_from(["one", "two", "stranger"])
    patients_ = st.sampled_from(PATIENTS)
    consents = st.sampled_from([None, 0, 1, 2, 5, 40])
    """No consent; one without an end; one for so many days."""

    def consent(self, days: int | None) -> Consent | None:
        if days is None:
            return None
        return Consent("accueil", "spoken", until=self.now + timedelta(days=days) if days else None)

    def step(self, act: Coroutine[Any, Any, T], reasons: set[type[Refusal]]) -> T | None:
        refused: type[Refusal] | None = None
        result = None
        try:
            result = self.run(act)
        except Refusal as refusal:
            refused = type(refusal)
        assert refused in (reasons or {None})
        return result

    @rule(
        account=others,
        patient=patients_,
        relationship=st.sampled_from(["parent", "guardian", "caregiver"]),
        grants=st.frozensets(st.sampled_from(list(Grant))),
        days=consents,
    )
    def give(
        self,
        account: str,
        patient: str,
        relationship: str,
        grants: frozenset[Grant],
        days: int | None,
    ) -> None:
        reasons: set[type[Refusal]] = set()
        consent = self.consent(days)
        if (account, patient) in self.held:
            reasons.add(AlreadyHeld)
        if consent is None and self.is_of_age(patient):
            reasons = {Invalid}
        made = self.step(
            access.grant(
                STAFF,
                self.accounts[account],
                self.patients[patient],
                relationship=relationship,
                grants=grants,
                by="accueil",
                consent=consent,
                now=self.now,
            ),
            reasons,
        )
        if made:
            agreed = (consent.until,) if consent else None
            self.held[account, patient] = ModelAccess(made, relationship, grants, agreed)

    def one_of_the_others(self, n: int) -> tuple[str, str]:
        among = [key for key, each in self.held.items() if each.relationship != "self"]
        return among[n % len(among)]

    has_others = precondition(lambda self: len(self.held) > 1)

    @has_others
    @rule(n=st.integers(0, 99))
    def take_back(self, n: int) -> None:
        key = self.one_of_the_others(n)
        self.run(access.withdraw(STAFF, self.held[key].id, by="accueil", now=self.now))
        del self.held[key]

    @has_others
    @rule(account=st.sampled_from(ACCOUNTS), patient=patients_, n=st.integers(0, 99))
    def take_back_as_the_person(self, account: str, patient: str, n: int) -> None:
        key = self.one_of_the_others(n)

        async def act() -> bool:
            viewer = await self.world.viewer(self.accounts[account])
            grant = self.held[key].id
            await access.withdraw_own(viewer, self.patients[patient], grant, now=self.now)
            return True

        no = self.denied(account, patient)
        mine = self.held.get((account, patient))
        if no is None and (mine is None or mine.relationship != "self"):
            no = NotAllowed
        if no is None and key[1] != patient:
            no = NotFound
        if self.step(act(), {no} if no else set()):
            del self.held[key]

    @has_others
    @rule(n=st.integers(0, 99), days=st.sampled_from([0, 1, 2, 5, 40]))
    def agree(self, n: int, days: int) -> None:
        key = self.one_of_the_others(n)
        consent = self.consent(days)
        assert consent is not None
        self.run(access.record_consent(STAFF, self.held[key].id, consent, now=self.now))
        self.held[key].consent = (consent.until,)

    @has_others
    @rule(n=st.integers(0, 99))
    def no_longer_agree(self, n: int) -> None:
        mine = self.held[self.one_of_the_others(n)]
        reasons: set[type[Refusal]] = set() if mine.consent else {NotFound}
        self.step(access.withdraw_consent(STAFF, mine.id, now=self.now), reasons)
        mine.consent = None

    @rule(hours=st.sampled_from([1, 3, 12, 24, 30, 24 * 5]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.now < BIRTHDAY)
    @rule(off=st.sampled_from([-1, 0]))
    def it_is_midnight(self, off: int) -> None:
        self.now = max(self.now, BIRTHDAY + timedelta(seconds=off))

    @rule(age=st.sampled_from([14, 14, 14, 18, None]))
    def the_clinic_changes_its_age(self, age: int | None) -> None:
        self.age = age
        self.run(self.world.set_clinic(consent_age=age))

    @rule()
    def the_job_runs(self) -> None:
        """It tells; it opens and closes nothing."""
        self.run(losses.record_due(now=self.now))


async def refusal_of(act: Awaitable[Any]) -> type[Refusal] | None:
    try:
        await act
    except Refusal as refusal:
        return type(refusal)
    return None


@pytest.fixture
def machine(template_database: databases.Template) -> Iterator[type[Accesses]]:
    """On one database for all examples, each with a cast of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def enter() -> World:
            await stack.enter_async_context(template_database.copy())
            return await build(NOW)

        world = runner.run(enter())
        try:
            yield type("Accesses", (Accesses,), {"runner": runner, "world": world})
        finally:
            runner.run(stack.aclose())


def check(machine: type[Accesses], examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_nobody_sees_what_the_policy_denies(machine: type[Accesses]) -> None:
    check(machine, examples=15, steps=30)


@pytest.mark.soak
def test_nobody_sees_what_the_policy_denies_for_long(machine: type[Accesses]) -> None:
    check(machine, examples=300, steps=50)
