"""The demonstration keeps its promises whenever it is made."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from argon2 import PasswordHasher

from domain import db, demo, receipts
from domain.accounts.passwords import Passwords
from domain.appointments import agenda, window
from domain.appointments.letters import VisitLetter
from domain.clinic.calendar import days_between
from domain.clinic.settings import ClinicSettings
from domain.demo import communications, crowd, pdfs, scale
from domain.demo.clinic import DemoClinic, holiday
from domain.demo.data.clinic import SAME_DAY
from domain.demo.data.communications import Item
from domain.demo.data.people import ACCOUNTS, CAMILLE, HEATHER, LEA, PASSWORD
from domain.demo.data.visits import TO_CONFIRM, TO_DECIDE
from domain.links import Links
from domain.mail import delivery
from domain.messages import clinic_side
from domain.messages import inbox as inbox_module
from domain.messages.file_names import is_pdf_name
from domain.messages.letters import CommunicationLetter
from domain.messages.pdf_reader import problem_of
from domain.messages.rules import KINDS
from domain.messages.threads import reply_to
from domain.people import viewer as viewers
from jobs.deliver_mail import compose
from tests import databases
from tests.stores import MemoryStore
from tests.world import STAFF_BOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.appointments.agenda import Visit
    from domain.messages.rules import Box
    from domain.people.viewer import Viewer

ZONE = ZoneInfo("America/Toronto")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NOW = datetime(2026, 11, 24, 9, 15, tzinfo=ZONE)
MOMENTS = {
    "a weekday morning": NOW,
    "a weekend night": datetime(2026, 11, 28, 2, 30, tzinfo=ZONE),
    "the night before the clocks go back": datetime(2026, 10, 31, 23, 30, tzinfo=ZONE),
    "two days before they go forward": datetime(2027, 3, 12, 18, 0, tzinfo=ZONE),
    "two days before Christmas, at night": datetime(2026, 12, 23, 23, 50, tzinfo=ZONE),
    "New Year's Eve": datetime(2026, 12, 31, 12, 0, tzinfo=ZONE),
    "a public holiday at dawn": datetime(2027, 6, 24, 5, 45, tzinfo=ZONE),
    "29 February": datetime(2028, 2, 29, 13, 20, tzinfo=ZONE),
    "a Sunday evening in August": datetime(2027, 8, 1, 20, 30, tzinfo=ZONE),
    "the last visit of a day": datetime(2027, 5, 19, 19, 59, 59, 999999, tzinfo=ZONE),
}
# What a date changes is no engine's affair: the second one is asked at two of them.
MOMENTS_HERE = dict(islice(MOMENTS.items(), 2)) if databases.IS_POSTGRES else MOMENTS


@dataclass(frozen=True)
class Seeded:
    now: datetime
    heather: Viewer
    coming: Sequence[Visit]

    def of(self, first_name: str) -> list[Visit]:
        return [visit for visit in self.coming if visit.patient_name.startswith(first_name)]

    def ahead(self, visit: Visit) -> timedelta:
        return visit.starts_at - self.now


@pytest.mark.parametrize("now", MOMENTS_HERE.values(), ids=MOMENTS_HERE)
async def test_keeps_its_promises_at_any_moment(database: object, now: datetime) -> None:
    seeded = await made(now)
    await is_a_clinic_of_the_promised_size()
    await is_made_once(seeded)
    await lets_everyone_sign_in_and_asks_one_to_accept_the_terms(seeded)
    await begins_empty_for_camille(seeded)
    has_both_buttons_on_one_visit(seeded)
    has_only_confirming_left_on_another(seeded)
    has_one_of_every_other_kind(seeded)
    leaves_room_for_more_visits(seeded)
    await has_a_past_of_several_years(seeded)
    shows_hugo_lost_and_nathan_held(seeded)
    await leaves_nothing_to_the_confirmation_job(seeded)
    await owes_the_newest_mails_and_no_other(seeded)
    await tells_in_activity_what_happened(seeded)
    await has_two_years_of_communications(seeded)
    await leaves_a_few_of_them_unread(seeded)
    await shows_every_state_of_a_reply(seeded)
    await dates_them_while_the_clinic_is_open(seeded)
    await notes_all_of_it_in_order(seeded)
    await has_nobody_in_two_places(seeded)
    await books_each_visit_where_it_fits(seeded)
    await fills_half_of_the_first_weeks(seeded)
    await opens_same_day_care_every_day(seeded)


async def made(now: datetime) -> Seeded:
    assert await demo.seed(now=now, passwords=passwords(), files=MemoryStore(), box=STAFF_BOX)
    heather = await viewer_of(HEATHER.owner)
    profiles = [profile.id for profile in heather.profiles]
    coming = await agenda.upcoming(heather, profiles, now=now.astimezone(UTC))
    return Seeded(now.astimezone(UTC), heather, coming)


def passwords() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def viewer_of(owner: str) -> Viewer:
    email = next(account.email for account in ACCOUNTS if account.owner == owner)
    [row] = await db.fetch("SELECT id FROM account WHERE email = {}", email)
    return await viewers.load(row["id"], via="account", request_id="test")


async def is_a_clinic_of_the_promised_size() -> None:
    counts = {
        table: (await db.fetch(f"SELECT count(*) AS n FROM {table}"))[0]["n"]
        for table in ("site", "specialty", "practitioner", "visit_type", "patient", "account")
    }
    assert counts == {
        "site": 2,
        "specialty": 4,
        "practitioner": 8,
        "visit_type": 8,
        "patient": 41,
        "account": 6,
    }
    types = await db.fetch("SELECT minutes, is_urgent, is_virtual FROM visit_type")
    assert sum(bool(row["is_urgent"]) for row in types) == 2
    assert sum(bool(row["is_virtual"]) for row in types) == 1
    assert {min(row["minutes"] for row in types), max(row["minutes"] for row in types)} == {10, 45}


async def is_made_once(seeded: Seeded) -> None:
    assert not await demo.seed(
        now=seeded.now + DAY, passwords=passwords(), files=MemoryStore(), box=STAFF_BOX
    )


async def lets_everyone_sign_in_and_asks_one_to_accept_the_terms(seeded: Seeded) -> None:
    rows = await db.fetch("SELECT email, password_hash, password_changed_at FROM account")
    assert len({row["password_hash"] for row in rows}) == len(rows)
    assert all([await passwords().verify(row["password_hash"], PASSWORD) for row in rows])
    assert seeded.now - seeded.heather.account.password_changed_at == 152 * DAY
    assert seeded.heather.pending_terms is None
    assert (await viewer_of(CAMILLE.owner)).pending_terms is None
    assert (await viewer_of(LEA.owner)).pending_terms is not None


async def begins_empty_for_camille(seeded: Seeded) -> None:
    camille = await viewer_of(CAMILLE.owner)
    [own] = camille.profiles
    assert own.full_name == "Camille Roy"
    assert await agenda.upcoming(camille, [own.id], now=seeded.now) == []
    assert (await agenda.history(camille, own.id, now=seeded.now)).visits == []


def has_both_buttons_on_one_visit(seeded: Seeded) -> None:
    [visit] = [visit for visit in seeded.coming if visit.may_confirm and visit.may_cancel]
    assert 49 * HOUR <= seeded.ahead(visit) <= 71 * HOUR
    assert visit.patient_name == "Heather Milner"


def has_only_confirming_left_on_another(seeded: Seeded) -> None:
    [visit] = [visit for visit in seeded.coming if visit.may_confirm and not visit.may_cancel]
    assert 1 * HOUR <= seeded.ahead(visit) <= 47 * HOUR
    assert visit.patient_name == "Heather Milner"


def has_one_of_every_other_kind(seeded: Seeded) -> None:
    heathers = seeded.of("Heather")
    assert Counter(visit.state for visit in heathers) == {
        "booked": 4,
        "confirmed": 1,
        "cancelled": 1,
    }
    [virtual] = [visit for visit in heathers if visit.is_virtual]
    assert virtual.room_url
    [to_cancel] = [
        visit
        for visit in heathers
        if visit.may_cancel and not visit.may_confirm and visit != virtual
    ]
    assert 8 * DAY <= seeded.ahead(to_cancel) <= 13 * DAY
    assert to_cancel.practitioner == "Dre Isabelle Roy"
    [nathans] = seeded.of("Nathan")
    assert nathans.state == "booked"
    assert all(visit.message.fr and visit.message.en for visit in seeded.coming)


def leaves_room_for_more_visits(seeded: Seeded) -> None:
    """The rule is at most five of a type; whoever tries the demonstration has two left."""
    types = Counter(v.visit_type.fr for v in seeded.of("Heather") if v.state != "cancelled")
    assert max(types.values()) <= 3


async def has_a_past_of_several_years(seeded: Seeded) -> None:
    heather = seeded.heather.first_profile(seeded.now)
    assert heather is not None
    history = await agenda.history(seeded.heather, heather.id, now=seeded.now)
    assert len({visit.starts_at.year for visit in history.visits}) >= 3
    assert {visit.state for visit in history.visits} == {"booked", "confirmed", "cancelled"}


def shows_hugo_lost_and_nathan_held(seeded: Seeded) -> None:
    heather, nathan, hugo = seeded.heather.profiles
    assert (heather.is_own, heather.full_name) == (True, "Heather Milner")
    assert heather.primary_practitioner is not None
    assert [p.first_name for p in (nathan, hugo)] == ["Nathan", "Hugo"]
    lost = [p for p in seeded.heather.profiles if seeded.heather.is_lost(p, seeded.now)]
    assert lost == [hugo]
    assert all(len(profile.grants) == 5 for profile in seeded.heather.profiles)


async def leaves_nothing_to_the_confirmation_job(seeded: Seeded) -> None:
    rows = await db.fetch(
        "SELECT starts_at, booked_at, confirmable_at, cancelled_at FROM appointment"
    )
    for row in rows:
        opens_at = row["starts_at"] - 72 * HOUR
        if row["cancelled_at"] is not None or opens_at > seeded.now:
            assert row["confirmable_at"] is None
        else:
            assert row["confirmable_at"] == max(opens_at, row["booked_at"])
    assert await window.open_due(now=seeded.now) == 0


async def owes_the_newest_mails_and_no_other(seeded: Seeded) -> None:
    owed = await delivery.lease(100, now=seeded.now)
    links = Links(["0123456789abcdefghijklmnopqrstuv"])
    composed = [await compose(letter, links=links, now=seeded.now) for letter in owed]
    visits = [mail for mail in composed if isinstance(mail, VisitLetter)]
    found = {(mail.kind, bool(mail.confirm_token), bool(mail.cancel_token)) for mail in visits}
    assert found == {
        ("appointment_booked", True, False),
        ("appointment_booked", False, True),
        ("appointment_cancelled", False, False),
        ("appointment_confirmable", True, True),
    }
    assert len(visits) == 4
    told = [mail for mail in composed if isinstance(mail, CommunicationLetter)]
    assert Counter((mail.kind, mail.first_name) for mail in told) == {
        ("message_received", "Heather"): 1,
        ("message_received", "Nathan"): 1,
        ("document_received", "Heather"): 1,
        ("invoice_received", "Heather"): 1,
    }
    assert len(composed) == 8
    [history] = await db.fetch(
        "SELECT count(*) AS n FROM outbound_email WHERE sent_at IS NOT NULL"
        " AND kind LIKE 'appointment_%'"
    )
    assert history["n"] == 6


async def tells_in_activity_what_happened(seeded: Seeded) -> None:
    rows = await db.fetch(
        """
        SELECT id, booked_at AS booked, confirmable_at AS confirmable, confirmed_at AS confirmed,
               cancelled_at AS cancelled
        FROM appointment WHERE booked_by IS NOT NULL
        """
    )
    happened = {
        (row["id"], kind, at)
        for row in rows
        for kind, at in row.items()
        if kind != "id" and at is not None
    }
    booked_inside = await db.fetch(
        "SELECT id, confirmable_at FROM appointment WHERE confirmable_at = booked_at"
        " AND booked_by IS NOT NULL"
    )
    # Its booked mail already asks to confirm.
    happened -= {(row["id"], "confirmable", row["confirmable_at"]) for row in booked_inside}
    told = await db.fetch(
        "SELECT subject, kind, happened_at FROM activity"
        " WHERE kind IN ('booked', 'confirmable', 'confirmed', 'cancelled')"
    )
    assert {tuple(row.values()) for row in told} == happened
    noted = await db.fetch(
        "SELECT subject, action, at FROM audit_line WHERE action LIKE 'appointment.%'"
    )
    assert {tuple(row.values()) for row in noted} == {
        (subject, f"appointment.{kind}", at) for subject, kind, at in happened
    }


async def has_two_years_of_communications(seeded: Seeded) -> None:
    heather, nathan, _ = seeded.heather.profiles
    inbox = await listed(seeded, heather.id, "inbox")
    assert len(inbox) > 50
    assert len(await listed(seeded, nathan.id, "inbox")) == 2
    assert {row.kind for row in inbox} == {"message", "document", "invoice"}
    assert seeded.now - inbox[-1].sent_at >= 700 * DAY
    assert all(row.has_attachment for row in inbox if row.kind != "message")
    long = max(await db.fetch("SELECT count(*) AS n FROM message GROUP BY thread"), key=by_n)
    assert long["n"] == 10
    words = await inbox_module.threads(
        seeded.heather, heather.id, "inbox", words="neo-mercazole", now=seeded.now
    )
    assert [row.subject for row in words.rows] == ["Renouvellement de Néo-Mercazole"]


async def leaves_a_few_of_them_unread(seeded: Seeded) -> None:
    heather, nathan, _ = seeded.heather.profiles
    account = seeded.heather.account.id
    assert await receipts.unread(account, heather.id, KINDS) == {
        "inbox": 5,
        "message": 1,
        "document": 3,
        "invoice": 1,
    }
    assert (await receipts.unread(account, nathan.id, KINDS))["inbox"] == 1


async def shows_every_state_of_a_reply(seeded: Seeded) -> None:
    threads = await db.fetch("SELECT id, subject, patient FROM thread")
    open_to = {
        row["subject"]: await reply_to(seeded.heather, row["patient"], row["id"], now=seeded.now)
        for row in threads
    }
    found = Counter(each.why_not for each in open_to.values())
    assert found.keys() == {"", "used", "refused", "closed"}
    assert open_to["Requis pour votre prochain rendez-vous"].why_not == ""
    assert open_to["Rappel de vaccin de Nathan"].why_not == ""
    assert open_to["Liste d’attente en dermatologie"].why_not == "used"
    assert open_to["Ajustement de votre médication"].why_not == "refused"
    waiting = await clinic_side.waiting()
    assert waiting != []
    assert all(seeded.now - each.sent_at < 8 * DAY for each in waiting)
    assert await db.fetch("SELECT id FROM attempt") == []


async def dates_them_while_the_clinic_is_open(seeded: Seeded) -> None:
    rows = await db.fetch("SELECT sent_at FROM message WHERE account IS NULL")
    for row in rows:
        at = row["sent_at"].astimezone(ZONE)
        assert at < seeded.now
        assert at.weekday() < 5 or seeded.now - at < 2 * DAY


async def notes_all_of_it_in_order(seeded: Seeded) -> None:
    lines = await db.fetch("SELECT at FROM audit_line ORDER BY id")
    assert all(one["at"] <= other["at"] for one, other in pairwise(lines))
    assert lines[-1]["at"] <= seeded.now


def by_n(row: dict[str, Any]) -> int:
    return int(row["n"])


async def listed(seeded: Seeded, patient: UUID, box: Box) -> list[inbox_module.Row]:
    rows: list[inbox_module.Row] = []
    before: UUID | None = None
    while True:
        page = await inbox_module.threads(
            seeded.heather, patient, box, before=before, now=seeded.now
        )
        rows += page.rows
        before = page.older
        if before is None:
            return rows


async def has_nobody_in_two_places(seeded: Seeded) -> None:
    rows = await db.fetch(
        "SELECT patient, starts_at, ends_at FROM appointment WHERE cancelled_at IS NULL"
        " ORDER BY starts_at"
    )
    visits: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        visits[row["patient"]].append(row)
    for theirs in visits.values():
        assert all(one["ends_at"] <= other["starts_at"] for one, other in pairwise(theirs))


async def books_each_visit_where_it_fits(seeded: Seeded) -> None:
    misfits = await db.fetch(
        """
        SELECT ap.id FROM appointment ap
        JOIN slot sl ON sl.id = ap.slot
        JOIN visit_type vt ON vt.id = ap.visit_type
        LEFT JOIN schedule_visit_type sv
            ON sv.schedule = sl.schedule AND sv.visit_type = ap.visit_type
        WHERE sv.id IS NULL OR vt.minutes > sl.minutes OR ap.practitioner <> sl.practitioner
            OR ap.site <> sl.site OR ap.starts_at <> sl.starts_at OR ap.ends_at > sl.ends_at
            OR (vt.is_urgent AND ap.reason = '') OR ap.booked_at > {}
        """,
        seeded.now,
    )
    assert misfits == []


async def fills_half_of_the_first_weeks(seeded: Seeded) -> None:
    for week in range(2):
        begins = seeded.now + week * 7 * DAY
        [row] = await db.fetch(
            """
            SELECT count(*) AS slots, count(ap.id) AS taken FROM slot sl
            LEFT JOIN appointment ap ON ap.slot = sl.id AND ap.cancelled_at IS NULL
            WHERE sl.starts_at > {} AND sl.starts_at <= {}
            """,
            begins,
            begins + 7 * DAY,
        )
        assert 0.45 <= row["taken"] / row["slots"] <= 0.55


async def opens_same_day_care_every_day(seeded: Seeded) -> None:
    rows = await db.fetch(
        """
        SELECT sl.starts_at, ap.id IS NULL AS is_free FROM slot sl
        JOIN schedule_visit_type sv ON sv.schedule = sl.schedule
        JOIN visit_type vt ON vt.id = sv.visit_type
        LEFT JOIN appointment ap ON ap.slot = sl.id AND ap.cancelled_at IS NULL
        WHERE vt.name_fr = {} AND sl.starts_at > {}
        """,
        "Accès adapté",
        seeded.now,
    )
    opened = Counter(row["starts_at"].astimezone(ZONE).date() for row in rows)
    free = {row["starts_at"].astimezone(ZONE).date() for row in rows if row["is_free"]}
    today = seeded.now.astimezone(ZONE).date()
    closed, _ = holiday(today)
    for day in days_between(today + DAY, today + 83 * DAY):
        assert (opened[day] >= 36, day in free) == (day != closed, day != closed)


def test_same_day_care_is_open_in_both_windows_at_every_hour_of_a_year() -> None:
    clinic = DemoClinic(settings(), {}, {})
    days = days_between(NOW.date(), NOW.date() + 375 * DAY)
    times = [time for day in days for time in clinic.times(day) if time.is_for(SAME_DAY)]
    starts = [time.starts_at for time in times]
    for hour in range(365 * 24):
        now = NOW.astimezone(UTC) + hour * HOUR
        closed, _ = holiday(now.astimezone(ZONE).date())
        for coming in (TO_DECIDE, TO_CONFIRM):
            first = bisect_left(starts, now + coming.earliest * HOUR)
            assert starts[first] <= now + coming.latest * HOUR
            assert closed > (now + coming.latest * HOUR).astimezone(ZONE).date()


def settings() -> ClinicSettings:
    return ClinicSettings.from_row(demo.clinic.clinic_row().to_dict())


@pytest.mark.parametrize(
    ("today", "closed", "name"),
    [
        (date(2026, 12, 17), date(2026, 12, 25), "Noël"),
        (date(2026, 12, 18), date(2027, 1, 1), "Jour de l’An"),
        (date(2027, 1, 5), date(2027, 2, 10), "Journée de formation de l’équipe"),
        (date(2027, 5, 1), date(2027, 5, 24), "Journée nationale des patriotes"),
        (date(2027, 8, 1), date(2027, 9, 6), "Fête du Travail"),
        (date(2027, 10, 1), date(2027, 10, 11), "Action de grâce"),
    ],
)
def test_the_clinic_closes_on_one_holiday(today: date, closed: date, name: str) -> None:
    assert holiday(today) == (closed, name)


async def test_is_made_whole_or_not_at_all(
    database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(crowd, "create", fails)
    with pytest.raises(RuntimeError):
        await demo.seed(now=NOW, passwords=passwords(), files=MemoryStore(), box=STAFF_BOX)
    assert await db.fetch("SELECT id FROM clinic") == []


async def test_its_papers_are_small_and_would_pass_the_clinics_own_checks() -> None:
    files = MemoryStore()
    papers = await communications.store(files, now=NOW.astimezone(UTC))
    assert {talk.kind for talk in papers} == {"document", "invoice"}
    for [stored] in papers.values():
        content = files.contents[stored.stored_as]
        assert stored.size == len(content) < 40_000
        assert is_pdf_name(stored.file_name)
        assert problem_of(content) == "ok"


def test_an_invoice_adds_its_taxes_once_rounded() -> None:
    items = (Item("A", 9_500), Item("B", 503), Item("C", 2_000, is_taxed=False))
    assert pdfs.totals(items) == pdfs.Totals(12_003, 500, 998)
    assert pdfs.totals(items).due == 13_501
    assert [pdfs.money(cents) for cents in (5, 13_501)] == ["0,05\u00a0$", "135,01\u00a0$"]


async def test_the_bench_has_a_plain_week_for_everyone(database: object) -> None:
    monday = datetime(2026, 11, 30, 0, 0, tzinfo=ZONE)
    made = await scale.bench_clinic(now=monday, practitioners=3, patients=4, booked_share=0.5)
    viewer = await viewers.load(made.account, via="account", request_id="test")
    assert viewer.pending_terms is None
    assert [profile.id for profile in viewer.profiles if profile.is_own] == [made.patients[0]]
    assert len(viewer.profiles) == 4
    [row] = await db.fetch("SELECT count(*) AS n FROM slot WHERE starts_at > {}", monday)
    assert row["n"] == 3 * 12 * 48
    for patient in made.patients:
        assert len(await agenda.upcoming(viewer, [patient], now=monday)) == scale.COMING_EACH
        past = await agenda.history(viewer, patient, now=monday)
        assert len(past.visits) == scale.PAST_EACH
    await has_nobody_in_two_places(Seeded(monday, viewer, []))
