"""Templates, single days and absences: what is published follows at once, and visits stay."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import db
from domain.appointments import booking, offers, slots
from domain.appointments.slots import Search
from domain.appointments.tables import Hold
from domain.clinic import publishing
from domain.clinic.hours import TypedLine
from domain.clinic.tables import OpenDay, Practitioner, Schedule, Site, VisitType, WeeklyHours
from domain.desk import absences, calendar, days, hours
from domain.desk.absences import Decision, TypedPeriod
from domain.desk.days import TypedDay
from domain.desk.hours import Typed
from domain.errors import ChangedMeanwhile, Invalid, NotAllowed, NotFound, VisitsChanged
from domain.staff.member import Member
from tests.domain import records
from tests.world import ZONE, World

TUESDAY = TypedLine("1", "09:00", "12:00", "30")
DAY = timedelta(days=1)
TOMORROW = date(2026, 11, 24)  # a Tuesday

OVERLAPPING = """
    SELECT count(*) AS n FROM slot a JOIN slot b ON a.practitioner = b.practitioner AND a.id < b.id
    WHERE a.withdrawn_at IS NULL AND b.withdrawn_at IS NULL
      AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
"""


def typed(world: World, *lines: TypedLine, types: tuple[UUID, ...] = ()) -> Typed:
    wanted = types or (world.visit_type,)
    return Typed(str(world.site), frozenset(map(str, wanted)), lines)


async def staff(world: World, id: UUID | None = None) -> Member:
    return await world.still_at_work(id)


async def administrator(world: World) -> Member:
    return await staff(world, world.fay)


async def saved(world: World, *lines: TypedLine) -> None:
    member = await administrator(world)
    found = await hours.template(member, world.practitioner, world.schedule)
    await hours.save(
        member,
        world.practitioner,
        world.schedule,
        typed(world, *lines),
        version=found.version,
        now=world.now,
    )


async def live(day: date | None = None) -> list[str]:
    rows = await db.fetch("SELECT starts_at FROM slot WHERE withdrawn_at IS NULL ORDER BY 1")
    starts = [row["starts_at"].astimezone(ZONE) for row in rows]
    return [f"{at:%H:%M}" for at in starts if day in (None, at.date())]


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE).astimezone(UTC)


async def slot_at(day: date, clock: str) -> UUID:
    (row,) = await db.fetch("SELECT id FROM slot WHERE starts_at = {}", at(day, clock))
    return row["id"]


async def booked(world: World, clock: str) -> UUID:
    starts = at(TOMORROW, clock)
    return await world.appointment(starts, slot=await slot_at(TOMORROW, clock))


# Templates


async def test_a_saved_template_is_published_at_once_and_in_the_journal(world: World) -> None:
    await saved(world, TUESDAY)
    assert await live(TOMORROW) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    assert (await records.audited(world.schedule))["schedule.changed"] == 1
    assert await publishing.publish(now=world.now) == 0


async def test_what_fits_no_longer_goes_and_what_is_new_comes(world: World) -> None:
    await saved(world, TUESDAY)
    await saved(world, TypedLine("1", "10:00", "11:00", "30"), TypedLine("2", "8:00", "9:00", "60"))
    assert await live(TOMORROW) == ["10:00", "10:30"]
    assert await live(TOMORROW + DAY) == ["08:00"]


async def test_booked_visits_never_move_and_their_slot_is_not_offered_again(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    before = await records.visit(visit)
    await saved(world, TypedLine("1", "13:00", "14:00", "30"))
    assert await records.visit(visit) == before
    assert await live(TOMORROW) == ["13:00", "13:30"]
    assert await records.mails() == Counter()


async def test_nothing_is_published_over_a_visit_that_stays(world: World) -> None:
    await saved(world, TUESDAY)
    await booked(world, "09:30")
    await saved(world, TypedLine("1", "09:00", "10:30", "45"))
    assert await live(TOMORROW) == []  # both would touch 09:30 to 10:00
    assert await live(TOMORROW + 7 * DAY) == ["09:00", "09:45"]


async def test_a_held_slot_is_left_to_its_holder_and_goes_once_it_is_free(world: World) -> None:
    await saved(world, TUESDAY)
    await held(world, "09:30")
    await saved(world, TypedLine("1", "13:00", "14:00", "30"))
    assert await live(TOMORROW) == ["09:30", "13:00", "13:30"]
    await publishing.publish(now=world.now + timedelta(minutes=6))
    assert await live(TOMORROW) == ["13:00", "13:30"]


async def held(world: World, clock: str) -> UUID:
    slot = await slot_at(TOMORROW, clock)
    await Hold.insert(
        Hold(
            id=uuid4(),
            slot=slot,
            account=world.alice_account,
            patient=world.alice,
            placed_at=world.now,
            expires_at=world.now + timedelta(minutes=5),
        )
    )
    return slot


async def test_a_held_slot_keeps_its_time_and_what_overlaps_it_comes_once_it_is_free(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    await held(world, "09:30")
    await saved(world, TypedLine("1", "09:00", "12:00", "45"))
    assert await live(TOMORROW) == ["09:30", "10:30", "11:15"]
    assert (await live(TOMORROW + 7 * DAY))[:2] == ["09:00", "09:45"]
    await publishing.publish(now=world.now + timedelta(minutes=6))
    assert await live(TOMORROW) == ["09:00", "09:45", "10:30", "11:15"]


async def test_a_held_slot_that_is_wanted_again_stays(world: World) -> None:
    await saved(world, TUESDAY)
    await held(world, "09:30")
    await saved(world, TypedLine("1", "13:00", "14:00", "30"))
    await saved(world, TUESDAY)
    await publishing.publish(now=world.now + timedelta(minutes=6))
    assert len(await live(TOMORROW)) == 6


async def test_the_preview_says_what_saving_does_and_does_nothing(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    member, change = (
        await administrator(world),
        typed(world, TypedLine("1", "10:00", "13:00", "30")),
    )
    before = await records.rows("SELECT * FROM slot ORDER BY id")
    effect = await hours.preview(member, world.practitioner, world.schedule, change, now=world.now)
    assert await records.rows("SELECT * FROM slot ORDER BY id") == before
    # Twelve Tuesdays: 12:00 and 12:30 come; 09:00 and 09:30 go, but for the one that is booked.
    assert (effect.coming, effect.going, effect.staying_count) == (24, 23, 1)
    assert [each.appointment for each in effect.staying] == [visit]
    live_before = len(await live())
    await saved(world, *change.lines)
    assert len(await live()) == live_before + effect.coming - effect.going - 1


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(["a", "b", "c", "away", "back"]), min_size=2, max_size=8))
async def test_changed_and_changed_back_it_is_as_before_and_rows_do_not_pile_up(
    world: World, changes: list[str]
) -> None:
    kinds = {
        "a": TUESDAY,
        "b": TypedLine("1", "09:00", "12:00", "20"),
        "c": TypedLine("1", "10:00", "11:00", "30"),
    }
    member = await administrator(world)
    await saved(world, TUESDAY)
    before = await live()
    for change in changes:
        if change in kinds:
            await saved(world, kinds[change])
        elif change == "away" and not await absences.absences(
            member, world.practitioner, now=world.now
        ):
            await take_back(world, TOMORROW)
        elif change == "back":
            await end_absences(world)
        assert (await records.rows(OVERLAPPING))[0]["n"] == 0
    await end_absences(world)
    await saved(world, TUESDAY)
    assert await live() == before
    # At most a row for each time that one of the three templates has.
    assert await records.count("slot") <= 12 * (6 + 9)


async def end_absences(world: World) -> None:
    member = await administrator(world)
    for away in await absences.absences(member, world.practitioner, now=world.now):
        await absences.remove(member, world.practitioner, away.id, key=uuid4().hex, now=world.now)


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([], {"jour_1": "no_line"}),
        ([TypedLine("1", "22:00", "06:00", "30")], {"fin_1": "order"}),
        ([TypedLine("1", "09:00", "09:00", "30")], {"fin_1": "order"}),
        ([TypedLine("1", "9", "24:00", "30")], {"fin_1": "missing"}),
        ([TypedLine("1", "09:00", "10:00", "0")], {"duree_1": "minutes"}),
        ([TypedLine("1", "09:00", "10:00", "-15")], {"duree_1": "minutes"}),
        ([TypedLine("1", "09:00", "10:00", "61")], {"duree_1": "longer_than_opening"}),
        ([TypedLine("", "09:00", "10:00", "30")], {"jour_1": "missing"}),
        ([TypedLine("1", "", "10:00", "30")], {"debut_1": "missing"}),
        ([TypedLine("1", "09:00", "10:00", "10")], {"types": "too_long"}),
        (
            [TUESDAY, TypedLine("1", "11:30", "13:00", "30")],
            {"debut_2": "overlap"},
        ),
        (
            [TUESDAY, TypedLine(), TypedLine("1", "12:00", "13:00", "30"), TypedLine("7")],
            {"jour_4": "missing", "debut_4": "missing", "fin_4": "missing", "duree_4": "minutes"},
        ),
    ],
)
async def test_hours_that_cannot_be_are_refused_with_what_is_wrong(
    world: World, lines: list[TypedLine], problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refusal:
        await saved(world, *lines)
    assert refusal.value.problems == problems
    assert await records.count("weekly_hours") == 0


async def test_hours_without_a_type_or_a_place_are_refused(world: World) -> None:
    member = await administrator(world)
    with pytest.raises(Invalid) as refusal:
        await hours.add(
            member, world.practitioner, Typed("", frozenset(), (TUESDAY,)), key="k", now=world.now
        )
    assert refusal.value.problems == {"lieu": "missing", "types": "missing"}


async def test_hours_at_another_place_at_the_same_time_are_refused(world: World) -> None:
    await saved(world, TUESDAY)
    member, beside = await administrator(world), TypedLine("1", "11:59", "13:00", "30")
    with pytest.raises(Invalid) as refusal:
        await hours.add(member, world.practitioner, typed(world, beside), key="k", now=world.now)
    assert refusal.value.problems == {"debut_1": "overlap_elsewhere"}


async def test_of_two_staff_who_save_overlapping_hours_at_once_one_is_refused(world: World) -> None:
    members = [await administrator(world), await staff(world, world.erin)]
    answers = await asyncio.gather(
        *(
            hours.add(each, world.practitioner, typed(world, TUESDAY), key="k", now=world.now)
            for each in members
        ),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Invalid", "UUID"]
    assert len(await live(TOMORROW)) == 6
    assert (await records.rows(OVERLAPPING))[0]["n"] == 0


async def test_who_saves_an_older_version_is_told_and_overwrites_nothing(world: World) -> None:
    member = await administrator(world)
    await saved(world, TUESDAY)
    with pytest.raises(ChangedMeanwhile):
        await hours.save(
            member,
            world.practitioner,
            world.schedule,
            typed(world, TypedLine("2", "09:00", "10:00", "30")),
            version=1,
            now=world.now,
        )
    assert [line.weekday for line in (await of(world)).lines] == [1]


async def of(world: World) -> hours.Template:
    return await hours.template(await administrator(world), world.practitioner, world.schedule)


async def test_the_same_form_twice_makes_one_schedule(world: World) -> None:
    member = await administrator(world)
    form = typed(world, TUESDAY)
    made = {
        await hours.add(member, world.practitioner, form, key="k", now=world.now) for _ in range(2)
    }
    assert len(made) == 1
    assert await records.count("schedule") == 2


async def test_an_ended_schedule_takes_its_free_slots_along_and_leaves_its_visits(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    member = await administrator(world)
    version = (await of(world)).version
    await hours.end(member, world.practitioner, world.schedule, version=version, now=world.now)
    assert await live() == []
    assert (await records.visit(visit))["cancelled_at"] is None
    assert await publishing.publish(now=world.now) == 0
    with pytest.raises(NotFound):
        await of(world)


async def test_a_practitioner_changes_their_own_hours_alone_and_a_secretary_none(
    world: World,
) -> None:
    other = await world.another_practitioner()
    (row,) = await db.fetch("SELECT practitioner FROM schedule WHERE id = {}", other)
    erin, dana = await staff(world, world.erin), await staff(world)
    assert await hours.templates(erin, world.practitioner)
    with pytest.raises(NotFound):
        await hours.templates(erin, row["practitioner"])
    with pytest.raises(NotAllowed):
        await hours.templates(dana, world.practitioner)


@pytest.mark.parametrize("table", [Practitioner, Site, VisitType, Schedule])
async def test_what_has_ended_is_offered_nowhere_and_publishes_nothing(
    world: World, table: type
) -> None:
    await saved(world, TUESDAY)
    viewer = await world.viewer()
    profile = viewer.held(world.alice)
    search = Search(viewer, profile, world.choices, world.now)
    assert await offers.chosen(world.choices) is not None
    assert await slots.first_open(search) is not None
    await table.update({"ended_at": world.now}, force=True)
    assert await offers.chosen(world.choices) is None
    assert await slots.first_open(search) is None
    assert await publishing.publish(now=world.now + 7 * DAY) == 0


# A visit type whose duration changes


async def test_visits_keep_their_length_when_their_type_gets_longer(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    before = await records.visit(visit)
    await VisitType.update({VisitType.minutes: 45}).where(VisitType.id == world.visit_type)
    await publishing.publish(now=world.now)
    assert await records.visit(visit) == before


async def test_slots_shorter_than_the_new_duration_stop_offering_the_type(world: World) -> None:
    await saved(world, TUESDAY)
    viewer = await world.viewer()
    search = Search(viewer, viewer.held(world.alice), world.choices, world.now)
    assert await slots.first_open(search) is not None
    await VisitType.update({VisitType.minutes: 45}).where(VisitType.id == world.visit_type)
    assert await slots.first_open(search) is None


# Single days


def single(world: World, **changes: str) -> TypedDay:
    given = {
        "schedule": str(world.schedule),
        "day": "2026-11-28",
        "opens": "09:00",
        "closes": "10:00",
        "minutes": "30",
    }
    return TypedDay(**given | changes)


async def test_a_single_day_is_published_at_once_and_goes_when_it_is_removed(world: World) -> None:
    member = await staff(world)
    id = await days.add(member, world.practitioner, single(world), key="k", now=world.now)
    assert await live() == ["09:00", "09:30"]
    assert await days.add(member, world.practitioner, single(world), key="k", now=world.now) == id
    for _ in range(2):
        await days.remove(member, world.practitioner, id, key="gone", now=world.now)
    assert await live() == []


async def test_the_preview_knows_the_single_days_of_the_schedule(world: World) -> None:
    """A visit in one of them is not outside the new hours."""
    await saved(world, TUESDAY)
    await days.add(await staff(world), world.practitioner, single(world), key="k", now=world.now)
    saturday = date(2026, 11, 28)
    await world.appointment(at(saturday, "09:00"), slot=await slot_at(saturday, "09:00"))
    member, earlier = await administrator(world), TypedLine("1", "08:30", "12:00", "30")
    args = member, world.practitioner, world.schedule
    effect = await hours.preview(*args, typed(world, earlier), now=world.now)
    assert (effect.coming, effect.going, effect.staying_count) == (12, 0, 0)
    before = len(await live())
    await saved(world, earlier)
    assert len(await live()) == before + 12
    ending = await hours.effect_of_ending(*args, now=world.now)
    assert (ending.going, ending.staying_count) == (before + 12 - 1, 1)


async def test_a_single_day_that_new_hours_meet_is_kept_and_the_preview_says_so(
    world: World,
) -> None:
    form = single(world, closes="11:00")
    await days.add(await staff(world), world.practitioner, form, key="k", now=world.now)
    member, over = await administrator(world), TypedLine("5", "09:10", "11:40", "30")
    effect = await hours.preview(
        member, world.practitioner, world.schedule, typed(world, over), now=world.now
    )
    assert [(line.day, line.opening.closes) for line in effect.met] == [
        (date(2026, 11, 28), time(11))
    ]
    await saved(world, over)
    assert await live(date(2026, 11, 28)) == ["09:00", "09:30", "10:00", "10:30", "11:10"]
    beside = typed(world, TypedLine("5", "11:00", "12:00", "30"))
    effect = await hours.preview(member, world.practitioner, world.schedule, beside, now=world.now)
    assert effect.met == []


async def test_a_single_day_is_kept_also_where_it_is_published_later_than_the_hours_it_meets(
    world: World,
) -> None:
    form = single(world, day="2027-02-20", closes="11:00")  # a Saturday, past the horizon
    await days.add(await staff(world), world.practitioner, form, key="k", now=world.now)
    await saved(world, TypedLine("5", "09:10", "11:40", "30"))
    await publishing.publish(now=world.now + 14 * DAY)
    assert await live(date(2027, 2, 20)) == ["09:00", "09:30", "10:00", "10:30", "11:10"]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"schedule": ""}, {"gabarit": "missing"}),
        ({"schedule": str(UUID(int=7))}, {"gabarit": "missing"}),
        ({"day": "demain"}, {"jour": "missing"}),
        ({"day": "2026-11-22"}, {"jour": "past"}),
        ({"day": "2028-01-01"}, {"jour": "far"}),
        ({"day": "2026-11-23", "opens": "08:00", "closes": "09:30"}, {"fin": "past"}),
        ({"closes": "08:00"}, {"fin": "order"}),
        ({"minutes": "10"}, {"duree": "types_longer"}),
        ({"minutes": "90"}, {"duree": "longer_than_opening"}),
        (
            {"day": "2026-11-24", "opens": "11:30", "closes": "13:00"},
            {"debut": "overlap_elsewhere"},
        ),
        ({"day": "2026-12-05"}, {"jour": "absent"}),
    ],
)
async def test_a_single_day_that_cannot_be_is_refused(
    world: World, changes: dict[str, str], problems: dict[str, str]
) -> None:
    await saved(world, TUESDAY)
    await take_back(world, date(2026, 12, 5))
    member = await staff(world)
    with pytest.raises(Invalid) as refusal:
        await days.add(member, world.practitioner, single(world, **changes), key="k", now=world.now)
    assert refusal.value.problems == problems
    assert await OpenDay.count() == 0


@pytest.mark.parametrize(
    ("now", "day", "expected"),
    [
        ("2026-10-30T12:00+00:00", date(2026, 11, 1), ["00:00", "01:00", "02:00", "03:00"]),
        ("2027-03-12T12:00+00:00", date(2027, 3, 14), ["00:00", "01:00", "03:00"]),
    ],
)
async def test_single_days_across_a_change_of_clocks_have_whole_slots(
    world: World, now: str, day: date, expected: list[str]
) -> None:
    world.now = datetime.fromisoformat(now)
    member = await staff(world)
    form = single(world, day=day.isoformat(), opens="00:00", closes="04:00", minutes="60")
    await days.add(member, world.practitioner, form, key="k", now=world.now)
    found = await live(day)
    # The hour that the clocks move is not a whole one: nothing is published that ends in it.
    assert set(found) <= set(expected)
    assert len(found) >= len(expected) - 1
    lengths = await db.fetch("SELECT starts_at, ends_at FROM slot")
    assert {row["ends_at"] - row["starts_at"] for row in lengths} == {timedelta(hours=1)}


# Taking time back


async def take_back(
    world: World,
    day: date,
    *,
    part: str = "",
    decisions: dict[UUID, Decision] | None = None,
    key: str = "",
    note: str = "",
) -> None:
    member = await staff(world)
    period = await absences.read_period(
        member, world.practitioner, TypedPeriod(first=day.isoformat(), part=part), now=world.now
    )
    await absences.take_back(
        member, period, decisions or {}, note=note, key=key or uuid4().hex, now=world.now
    )


async def test_a_day_with_visits_is_taken_back_as_was_decided_for_each(world: World) -> None:
    await saved(world, TUESDAY)
    cancelled, kept = await booked(world, "09:30"), await booked(world, "10:30")
    decisions = {cancelled: Decision(True, 1), kept: Decision(False, 1)}
    await take_back(world, TOMORROW, decisions=decisions, note="La docteure est malade.")
    assert await live(TOMORROW) == []
    row = await records.visit(cancelled)
    assert row["cancelled_at"] == world.now
    assert (row["cancelled_by_staff"], row["clinic_note"]) == (
        world.dana,
        "La docteure est malade.",
    )
    assert (await records.visit(kept))["cancelled_at"] is None
    assert await records.mails() == Counter(cancelled=1)
    assert await records.told(cancelled) == Counter(cancelled=1)
    assert await records.audited(cancelled) == Counter(cancelled=1)


async def test_taken_back_twice_by_the_same_form_it_is_once(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    for _ in range(2):
        await take_back(world, TOMORROW, decisions={visit: Decision(True, 1)}, key="same")
    assert await records.count("absence") == 1
    assert await records.mails() == Counter(cancelled=1)


@pytest.mark.parametrize("version", [None, 2])
async def test_a_visit_booked_or_moved_meanwhile_stops_all_of_it(
    world: World, version: int | None
) -> None:
    await saved(world, TUESDAY)
    seen, meanwhile = await booked(world, "09:30"), await booked(world, "10:30")
    decisions = {seen: Decision(True, 1)}
    decisions |= {} if version is None else {meanwhile: Decision(True, version)}
    before = await records.rows("SELECT * FROM slot ORDER BY id")
    with pytest.raises(VisitsChanged):
        await take_back(world, TOMORROW, decisions=decisions)
    assert await records.rows("SELECT * FROM slot ORDER BY id") == before
    assert await records.count("absence") == 0
    assert await records.mails() == Counter()


async def test_a_removed_absence_brings_the_same_slots_back_and_no_visit(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    before = await records.rows("SELECT id FROM slot ORDER BY id")
    whole = await live(TOMORROW)
    await take_back(world, TOMORROW, decisions={visit: Decision(True, 1)})
    await end_absences(world)
    assert await live(TOMORROW) == whole
    assert await records.rows("SELECT id FROM slot ORDER BY id") == before
    assert (await records.visit(visit))["cancelled_at"] is not None


async def away(world: World) -> list[UUID]:
    member = await administrator(world)
    found = await absences.absences(member, world.practitioner, now=world.now)
    return [each.id for each in found]


async def test_what_reopening_offers_is_what_publishing_then_does(world: World) -> None:
    """A kept visit's slot comes back without being offered."""
    await saved(world, TUESDAY)
    kept, cancelled = await booked(world, "09:30"), await booked(world, "10:30")
    decisions = {kept: Decision(False, 1), cancelled: Decision(True, 1)}
    await take_back(world, TOMORROW, decisions=decisions)
    args = await staff(world), world.practitioner, (await away(world))[0]
    before = await records.rows("SELECT * FROM slot ORDER BY id"), len(await live())
    reopening = await absences.reopening(*args, now=world.now)
    assert reopening is not None
    assert await records.rows("SELECT * FROM slot ORDER BY id") == before[0]
    assert (reopening.offered, reopening.is_past_horizon) == (5, False)
    assert await absences.remove(*args, key="k", now=world.now)
    assert len(await live()) == before[1] + 6  # one of them is booked


async def test_reopening_counts_its_own_days_and_not_what_the_horizon_takes_in(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    day = TOMORROW + 7 * DAY
    await take_back(world, day)
    args = await staff(world), world.practitioner, (await away(world))[0]
    now, before = world.now + 2 * DAY, len(await live())  # a Tuesday more to publish
    reopening = await absences.reopening(*args, now=now)
    assert reopening is not None
    assert reopening.offered == 6
    await absences.remove(*args, key="k", now=now)
    assert (len(await live(day)), len(await live())) == (6, before + 12)


async def test_reopening_days_that_something_else_closes_offers_nothing(world: World) -> None:
    await saved(world, TUESDAY)
    await take_back(world, TOMORROW)
    fay = await administrator(world)
    period = await absences.read_period(
        fay, None, TypedPeriod(first=TOMORROW.isoformat()), now=world.now
    )
    await absences.take_back(fay, period, {}, note="", key="k", now=world.now)
    before = await live()
    for each in await absences.absences(fay, world.practitioner, now=world.now):
        reopening = await absences.reopening(fay, each.practitioner, each.id, now=world.now)
        assert reopening is not None
        assert reopening.offered == 0
    assert await live() == before


async def test_reopening_the_clinic_counts_the_slots_of_all_its_practitioners(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    other = await world.another_practitioner()
    await WeeklyHours.insert(
        WeeklyHours(
            id=uuid4(), schedule=other, weekday=1, opens=time(9), closes=time(10), slot_minutes=30
        )
    )
    await publishing.publish(now=world.now)
    fay, whole = await administrator(world), len(await live())
    form = TypedPeriod(first=TOMORROW.isoformat())
    period = await absences.read_period(fay, None, form, now=world.now)
    await absences.take_back(fay, period, {}, note="", key="k", now=world.now)
    (closure,) = await absences.closures(fay, now=world.now)
    reopening = await absences.reopening(fay, None, closure.id, now=world.now)
    assert reopening is not None
    assert (reopening.offered, len(await live())) == (8, whole - 8)
    await absences.remove(fay, None, closure.id, key="k", now=world.now)
    assert len(await live()) == whole


async def test_reopening_past_the_horizon_says_that_it_comes_later(world: World) -> None:
    await saved(world, TUESDAY)
    await take_back(world, date(2027, 3, 2))
    reopening = await absences.reopening(
        await staff(world), world.practitioner, (await away(world))[0], now=world.now
    )
    assert reopening is not None
    assert (reopening.offered, reopening.is_past_horizon) == (0, True)


async def test_of_two_who_remove_an_absence_at_once_one_does(world: World) -> None:
    await saved(world, TUESDAY)
    await take_back(world, TOMORROW)
    (id,) = await away(world)
    members = [await administrator(world), await staff(world)]
    answers = await asyncio.gather(
        *(absences.remove(each, world.practitioner, id, key="k", now=world.now) for each in members)
    )
    assert Counter(answers) == Counter([True, False])
    assert (await records.audited(id))["absence.removed"] == 1
    assert (await absences.reopening(members[0], world.practitioner, id, now=world.now)) is None


async def test_a_closure_is_no_absence_of_a_practitioner_and_opens_by_settings_alone(
    world: World,
) -> None:
    fay, dana = await administrator(world), await staff(world)
    form = TypedPeriod(first=TOMORROW.isoformat())
    period = await absences.read_period(fay, None, form, now=world.now)
    await absences.take_back(fay, period, {}, note="", key="k", now=world.now)
    (closure,) = await absences.closures(fay, now=world.now)
    with pytest.raises(NotFound):
        await absences.reopening(dana, world.practitioner, closure.id, now=world.now)
    with pytest.raises(NotFound):
        await absences.remove(dana, world.practitioner, closure.id, key="k", now=world.now)
    with pytest.raises(NotAllowed):
        await absences.reopening(dana, None, closure.id, now=world.now)


async def test_a_kept_visit_that_is_cancelled_later_frees_nothing_in_the_absence(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    await take_back(world, TOMORROW, decisions={visit: Decision(False, 1)})
    await db.fetch("UPDATE appointment SET cancelled_at = {}", world.now)
    await publishing.publish(now=world.now)
    assert await live(TOMORROW) == []


async def test_half_a_day_is_withdrawn_for_good_until_each_slot_is_brought_back(
    world: World,
) -> None:
    lines = (TUESDAY, TypedLine("1", "13:00", "14:00", "30"))
    await saved(world, *lines)
    await take_back(world, TOMORROW, part="apres-midi")
    await publishing.publish(now=world.now)
    assert (await live(TOMORROW))[-1] == "11:30"
    slot = await slot_at(TOMORROW, "13:00")
    member = await staff(world)
    for _ in range(2):
        await absences.bring_back(member, world.practitioner, slot, now=world.now)
    assert (await live(TOMORROW))[-2:] == ["11:30", "13:00"]
    assert Counter(
        row["action"] for row in await records.rows("SELECT action FROM audit_line")
    ) >= Counter({"slot.withdrawn": 2, "slot.brought_back": 1})


async def test_one_slot_is_withdrawn_alone_and_stays_so_when_the_template_is_saved(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    member, slot = await staff(world), await slot_at(TOMORROW, "09:30")
    period = await absences.period_of_slot(member, world.practitioner, slot)
    await absences.take_back(member, period, {}, note="", key="k", now=world.now)
    await saved(world, TUESDAY, TypedLine("3", "09:00", "10:00", "30"))
    assert await live(TOMORROW) == ["09:00", "10:00", "10:30", "11:00", "11:30"]


async def test_the_clinic_closes_for_all_by_an_administrator_alone(world: World) -> None:
    await saved(world, TUESDAY)
    form = TypedPeriod(first=TOMORROW.isoformat())
    with pytest.raises(NotAllowed):
        await absences.read_period(await staff(world), None, form, now=world.now)
    fay = await administrator(world)
    period = await absences.read_period(fay, None, form, now=world.now)
    await absences.take_back(fay, period, {}, note="", key="k", now=world.now)
    assert await live(TOMORROW) == []
    assert [away.practitioner for away in await absences.closures(fay, now=world.now)] == [None]


@pytest.mark.parametrize(
    ("form", "problems"),
    [
        (TypedPeriod(), {"du": "missing"}),
        (TypedPeriod("2026-11-22"), {"du": "past"}),
        (TypedPeriod("9999-11-22"), {"du": "far"}),
        (TypedPeriod("2026-11-25", "2026-11-24"), {"au": "order"}),
        (TypedPeriod("2026-11-25", "jamais"), {"au": "order"}),
        (TypedPeriod("2026-11-25", "2036-11-24"), {"au": "long"}),
        (TypedPeriod("2026-11-25", "2026-11-26", "matin"), {"partie": "one_day"}),
        (TypedPeriod("2026-11-25", "", "nuit"), {"partie": "one_day"}),
        (TypedPeriod("2026-11-25", "", "", "x" * 121), {"motif": "too_long"}),
    ],
)
async def test_a_period_that_cannot_be_is_refused(
    world: World, form: TypedPeriod, problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refusal:
        await absences.read_period(await staff(world), world.practitioner, form, now=world.now)
    assert refusal.value.problems == problems


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (date(2027, 2, 16), {"du": "unpublished"}),  # a Tuesday past the horizon
        (date(2026, 11, 28), {"partie": "empty"}),  # a Saturday without hours
    ],
)
async def test_a_half_day_without_slots_is_refused_and_never_seems_done(
    world: World, day: date, problem: dict[str, str]
) -> None:
    await saved(world, TUESDAY)
    member = await staff(world)
    form = TypedPeriod(first=day.isoformat(), part="matin")
    period = await absences.read_period(member, world.practitioner, form, now=world.now)
    with pytest.raises(Invalid) as refusal:
        await absences.check_there(member, period, now=world.now)
    assert refusal.value.problems == problem
    with pytest.raises(ChangedMeanwhile):
        await take_back(world, day, part="matin")


async def test_nothing_new_is_published_in_a_half_day_that_was_taken_back(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "11:30")
    await take_back(world, TOMORROW, part="matin", decisions={visit: Decision(False, 1)})
    wide = TypedLine("1", "08:00", "13:00", "30")
    effect = await hours.preview(
        await administrator(world),
        world.practitioner,
        world.schedule,
        typed(world, wide),
        now=world.now,
    )
    await saved(world, wide)
    # Twelve Tuesdays: two slots more in the morning, but for tomorrow's, and two from noon.
    assert effect.coming == 11 * 2 + 12 * 2
    assert await live(TOMORROW) == ["12:00", "12:30"]
    assert (await live(TOMORROW + 7 * DAY))[0] == "08:00"
    assert await publishing.publish(now=world.now + timedelta(hours=1)) == 0


async def test_a_half_day_is_open_again_once_all_its_slots_are_offered(world: World) -> None:
    await saved(world, TypedLine("1", "09:00", "10:00", "30"))
    await take_back(world, TOMORROW, part="matin")
    await saved(world, TypedLine("1", "08:30", "10:00", "30"))
    member = await staff(world)
    args = member, world.practitioner
    await absences.bring_back(*args, await slot_at(TOMORROW, "09:00"), now=world.now)
    await saved(world, TypedLine("1", "08:00", "10:00", "30"))
    assert await live(TOMORROW) == ["09:00"]
    await absences.bring_back(*args, await slot_at(TOMORROW, "09:30"), now=world.now)
    assert await live(TOMORROW) == ["08:00", "08:30", "09:00", "09:30"]


async def test_a_slot_of_a_half_day_is_shown_as_withdrawn_and_can_be_brought_back(
    world: World,
) -> None:
    await saved(world, TUESDAY)
    await take_back(world, TOMORROW, part="matin")
    args = await staff(world), world.practitioner
    week = await calendar.week(*args, TOMORROW, now=world.now)
    assert [cell.state for cell in week.cells[TOMORROW, 9]] == ["withdrawn"] * 2
    page = await calendar.slot(*args, await slot_at(TOMORROW, "09:00"), now=world.now)
    assert page.may_bring_back


async def test_a_visit_booked_while_a_day_is_taken_back_is_never_left_untold(world: World) -> None:
    """A patient books and a secretary takes the day back at the same instant."""
    await saved(world, TUESDAY)
    viewer = await world.viewer()
    slot = await slot_at(TOMORROW, "09:30")
    await asyncio.gather(
        booking.book(viewer, world.alice, world.choices, slot, form_key="k", now=world.now),
        take_back(world, TOMORROW),
        return_exceptions=True,
    )
    visits = await records.rows("SELECT id FROM appointment WHERE cancelled_at IS NULL")
    away = await records.count("absence")
    assert (len(visits), away) in {(0, 1), (1, 0)}


# The week


async def test_the_week_shows_each_slot_in_its_hour_with_what_stands_in_it(world: World) -> None:
    await saved(world, TUESDAY)
    visit = await booked(world, "09:30")
    member = await staff(world)
    week = await calendar.week(member, world.practitioner, TOMORROW, now=world.now)
    nine = week.cells[TOMORROW, 9]
    assert [cell.state for cell in nine] == ["free", "booked"]
    assert (nine[1].appointment, nine[1].patient_name) == (visit, "Alice Gagnon")
    assert week.patients == [world.alice]
    assert list(week.hours) == [9, 10, 11]


async def test_a_week_of_25_hours_shows_both_passages_of_the_hour(world: World) -> None:
    night = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)  # 01:00, for the first time
    for passage in (night, night + timedelta(hours=1)):
        await world.slot(passage, minutes=30)
    member = await staff(world)
    week = await calendar.week(member, world.practitioner, date(2026, 11, 1), now=world.now)
    assert len(week.cells[date(2026, 11, 1), 1]) == 2


async def test_another_practitioners_week_does_not_exist_for_a_practitioner(world: World) -> None:
    other = await world.another_practitioner()
    (row,) = await db.fetch("SELECT practitioner FROM schedule WHERE id = {}", other)
    with pytest.raises(NotFound):
        await calendar.week(
            await staff(world, world.erin), row["practitioner"], None, now=world.now
        )


@pytest.mark.parametrize("asked", [date.min, date.max])
async def test_a_week_out_of_all_reach_is_the_nearest_that_can_be_shown(
    world: World, asked: date
) -> None:
    week = await calendar.week(await staff(world), world.practitioner, asked, now=world.now)
    assert abs(week.week.monday - TOMORROW) < timedelta(days=6 * 366)
