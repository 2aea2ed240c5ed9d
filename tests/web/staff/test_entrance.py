"""Signing in on the clinic's side: a password, then always a code."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from domain import db
from domain.accounts import throttles
from domain.links import hash_of
from domain.people.tables import Account
from domain.staff import limits
from domain.staff.tables import StaffMember
from tests import databases
from tests.web.browser import SETTINGS, Browser, Clock, alert, heading, main, running
from tests.web.staff.doors import (
    DANA,
    LINKS,
    SIGN_IN,
    code_at,
    first_step,
    fresh_code,
    is_at_work,
    owed,
    sign_in,
)
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, PASSWORDS, World
from web.gate import Gate

SENTENCE = (
    "Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement de notre système."
)
WRONG = "Autre-12-Mot"


async def test_a_password_and_a_code_lead_to_the_day(
    stranger: Browser, clock: Clock, world: World
) -> None:
    answer = await sign_in(stranger, clock)
    assert (answer.status_code, answer.headers["location"]) == (303, "/clinique")
    assert await is_at_work(stranger)
    (line,) = await journal("staff.sign_in")
    assert (line["actor_kind"], line["actor"], line["outcome"]) == ("staff", world.dana, "done")


async def test_the_password_alone_opens_nothing(stranger: Browser) -> None:
    answer = await first_step(stranger)
    assert answer.headers["location"] == "/clinique/connexion/code?suivant=%2Fclinique"
    assert "__Host-staff" not in answer.headers.get("set-cookie", "")
    assert not await is_at_work(stranger)
    assert await count("staff_session") == 0


async def test_every_cause_of_refusal_looks_and_costs_the_same(
    stranger: Browser, world: World
) -> None:
    """A16."""
    await world.member(email="gone@clinique.example", deactivated_at=world.now)
    await world.member(email="invited@clinique.example", password_hash="", totp_secret="")
    await world.member(email="halfway@clinique.example", totp_secret="")
    await stranger.get(SIGN_IN)
    seen = []
    for email, password in [
        ("unknown@clinique.example", PASSWORD),
        (DANA, WRONG),
        ("gone@clinique.example", PASSWORD),
        ("invited@clinique.example", ""),
        ("halfway@clinique.example", PASSWORD),
        ("alice@example.com", PASSWORD),
    ]:
        hashes = PASSWORDS.calls
        with databases.statements() as asked:
            answer = await stranger.post(SIGN_IN, {"courriel": email, "mot_de_passe": password})
        shown = re.sub("_csrf_token. value=.\\w+", "", answer.text).replace(email, "EMAIL")
        seen.append((answer.status_code, shown, PASSWORDS.calls - hashes, len(asked)))
    assert {(status, calls) for status, _, calls, _ in seen} == {(422, 1)}
    assert len({shown for _, shown, _, _ in seen}) == 1
    assert len({statements for _, _, _, statements in seen}) == 1
    assert SENTENCE in seen[0][1]


async def test_a_refusal_keeps_the_address_and_not_the_password(stranger: Browser) -> None:
    answer = await first_step(stranger, password=WRONG)
    assert (answer.status_code, alert(answer)) == (422, f"Il y a une erreur à corriger {SENTENCE}")
    assert f'value="{DANA}"' in answer.text
    assert WRONG not in answer.text


async def test_a_staff_password_opens_nothing_of_the_patients(stranger: Browser) -> None:
    answer = await stranger.sign_in(DANA, PASSWORD)
    assert answer.status_code == 422


async def test_a_code_is_taken_once_even_within_its_half_minute(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    """A replayed code in the same step is refused (R21)."""
    other = Browser(app)
    pages = [await b.follow(await first_step(b)) for b in (stranger, other)]
    code = fresh_code(clock)
    first = await stranger.press(pages[0], "Connexion", {"code": code})
    again = await other.press(pages[1], "Connexion", {"code": code})
    assert (first.status_code, again.status_code) == (303, 422)
    assert "il a déjà servi" in alert(again)
    assert not await is_at_work(other)


async def test_a_code_half_a_minute_off_is_taken_and_an_older_one_is_not(
    stranger: Browser, clock: Clock
) -> None:
    for steps, status in [(-2, 422), (2, 422), (-1, 303)]:
        page = await stranger.follow(await first_step(stranger))
        answer = await stranger.press(page, "Connexion", {"code": code_at(clock, steps=steps)})
        assert (steps, answer.status_code) == (steps, status)


async def test_the_first_step_of_a_patient_is_none_of_the_staffs(
    stranger: Browser, clock: Clock, world: World
) -> None:
    row = await Account.objects().get(Account.id == world.alice_account)
    assert row is not None
    link = LINKS.sign_first_step(world.dana, hash_of(row.password_hash), clock.now)
    await stranger.get(SIGN_IN)
    answer = await stranger.post(
        "/clinique/connexion/code", {"etape": link, "code": code_at(clock)}
    )
    assert (answer.status_code, heading(answer)) == (410, "Code de validation")


async def test_the_first_step_is_over_after_five_minutes_or_a_change_of_password(
    stranger: Browser, clock: Clock, world: World
) -> None:
    page = await stranger.follow(await first_step(stranger))
    clock.now += timedelta(minutes=5)
    late = await stranger.press(page, "Connexion", {"code": code_at(clock)})
    assert late.status_code == 410
    page = await stranger.follow(await first_step(stranger))
    await db.fetch("UPDATE staff_member SET password_hash = 'x' WHERE id = {}", world.dana)
    changed = await stranger.press(page, "Connexion", {"code": code_at(clock)})
    assert changed.status_code == 410
    assert await count("staff_session") == 0


async def test_tries_are_counted_by_address_for_known_and_unknown_alike(
    stranger: Browser, clock: Clock
) -> None:
    """A17."""
    await stranger.get(SIGN_IN)
    for email in (DANA, "unknown@clinique.example"):
        form = {"courriel": email, "mot_de_passe": WRONG}
        answers = [
            (await stranger.post(SIGN_IN, form)).status_code
            for _ in range(limits.SIGN_IN_PER_ADDRESS.most + 1)
        ]
        assert answers == [*[422] * limits.SIGN_IN_PER_ADDRESS.most, 429]
    (told,) = await owed(clock)
    assert (told.kind, told.address, told.what) == ("staff_alert", DANA, "password")


async def test_a_stranger_who_keeps_trying_does_not_keep_the_owner_out(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    """A18."""
    await sign_in(stranger, clock)
    thief = Browser(app, ip="198.51.100.9")
    for _ in range(limits.SIGN_IN_PER_ADDRESS.most + 1):
        last = await first_step(thief, password=WRONG)
    assert last.status_code == 429
    assert (await sign_in(stranger, clock)).status_code == 303


async def test_an_ip_that_is_used_up_keeps_no_owner_out_of_a_known_browser(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    """A18: the whole clinic shares one."""
    await sign_in(stranger, clock)
    thief = Browser(app)
    for n in range(limits.SIGN_IN_PER_IP.most + 1):
        last = await first_step(thief, email=f"nobody{n}@clinique.example", password=WRONG)
    assert last.status_code == 429
    assert (await first_step(thief)).status_code == 429
    for _ in range(limits.SIGN_IN_PER_ADDRESS.most - 1):
        assert (await first_step(stranger, password=WRONG)).status_code == 422
    assert (await sign_in(stranger, clock)).status_code == 303
    for _ in range(limits.SIGN_IN_PER_ADDRESS.most):
        await first_step(stranger, password=WRONG)
    assert (await first_step(stranger)).status_code == 429


async def test_many_wrong_codes_are_paused_and_told_to_the_owner(
    stranger: Browser, clock: Clock
) -> None:
    page = await stranger.follow(await first_step(stranger))
    answers = [
        (await stranger.press(page, "Connexion", {"code": "000000"})).status_code
        for _ in range(limits.CODES.most + 1)
    ]
    assert answers == [*[422] * limits.CODES.most, 429]
    (told,) = await owed(clock)
    assert (told.kind, told.what) == ("staff_alert", "codes")


async def test_a_known_browser_has_codes_of_its_own(
    stranger: Browser, app: Gate, clock: Clock, world: World
) -> None:
    await sign_in(stranger, clock)
    for _ in range(limits.CODES.most):
        await throttles.take(limits.CODES, world.dana.hex, now=clock.now)
    assert (await sign_in(stranger, clock)).status_code == 303
    page = await (other := Browser(app)).follow(await first_step(other))
    refused = await other.press(page, "Connexion", {"code": fresh_code(clock)})
    assert refused.status_code == 429


async def test_a_session_is_new_at_each_sign_in_and_never_the_one_that_was_brought(
    stranger: Browser, clock: Clock
) -> None:
    """A10: session fixation."""
    stranger.http.cookies.set("__Host-staff", "chosen-by-another", domain="portail.example")
    await sign_in(stranger, clock)
    first = stranger.http.cookies["__Host-staff"]
    assert first != "chosen-by-another"
    await stranger.http.get(SIGN_IN)
    stranger.http.cookies.delete("__Host-staff")
    await sign_in(stranger, clock)
    assert stranger.http.cookies["__Host-staff"] != first


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        ("/clinique/patients", "/clinique/patients"),
        ("/clinique/personnel?vue=anciens", "/clinique/personnel?vue=anciens"),
        ("/", "/clinique"),
        ("/profil", "/clinique"),
        ("/cliniques", "/clinique"),
        ("//ailleurs.example/clinique", "/clinique"),
        ("https://ailleurs.example/clinique", "/clinique"),
    ],
)
async def test_one_goes_on_within_the_clinics_side_only(
    stranger: Browser, clock: Clock, asked: str, way: str
) -> None:
    page = await stranger.follow(await first_step(stranger, onward=asked))
    answer = await stranger.press(page, "Connexion", {"code": fresh_code(clock)})
    assert answer.headers["location"] == way


async def test_whoever_is_signed_in_goes_straight_on(dana: Browser) -> None:
    answer = await dana.get(f"{SIGN_IN}?suivant=/clinique/mon-compte")
    assert (answer.status_code, answer.headers["location"]) == (303, "/clinique/mon-compte")


async def test_signing_out_leaves_nothing_behind(dana: Browser) -> None:
    await dana.get("/clinique/mon-compte")
    answer = await dana.post("/clinique/deconnexion")
    assert answer.headers["location"] == SIGN_IN
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert not await is_at_work(dana)


async def test_signing_out_of_a_session_that_had_ended_leads_to_the_same_place(
    dana: Browser, clock: Clock
) -> None:
    await dana.get("/clinique/mon-compte")
    clock.now += timedelta(minutes=15)
    answer = await dana.post("/clinique/deconnexion")
    assert (answer.headers["location"], answer.headers["clear-site-data"]) == (
        SIGN_IN,
        '"cache", "storage"',
    )


async def test_the_session_ends_after_fifteen_idle_minutes_and_after_twelve_hours(
    dana: Browser, clock: Clock
) -> None:
    clock.now += timedelta(minutes=15, seconds=-1)
    assert await is_at_work(dana)
    clock.now += timedelta(minutes=15)
    assert not await is_at_work(dana)


async def test_work_all_day_ends_after_twelve_hours(dana: Browser, clock: Clock) -> None:
    for _ in range(71):
        clock.now += timedelta(minutes=10)
        assert await is_at_work(dana)
    clock.now += timedelta(minutes=10)
    assert not await is_at_work(dana)


async def test_a_deactivated_member_is_out_at_the_next_request(
    dana: Browser, clock: Clock, world: World
) -> None:
    assert await is_at_work(dana)
    await StaffMember.update({StaffMember.deactivated_at: clock.now}).where(
        StaffMember.id == world.dana
    )
    assert not await is_at_work(dana)


async def test_a_lower_role_holds_at_the_next_request(fay: Browser, world: World) -> None:
    assert (await fay.get("/clinique/personnel")).status_code == 200
    await StaffMember.update({StaffMember.role: "secretary"}).where(StaffMember.id == world.fay)
    assert (await fay.get("/clinique/personnel")).status_code == 403


async def test_a_fresh_database_lets_nobody_in(database: object) -> None:
    """R21: no account that was not made on purpose."""
    assert await db.fetch("SELECT id FROM staff_member") == []
    assert await db.fetch("SELECT id FROM account") == []


async def test_a_real_portal_shows_no_code_and_a_demonstration_does(
    stranger: Browser, clock: Clock, world: World
) -> None:
    await world.member(email="accueil@example.com")
    real = await stranger.get(SIGN_IN)
    assert "Démonstration" not in real.text
    assert code_at(clock) not in real.text
    demo = Browser(running(clock, replace(SETTINGS, is_demo=True)))
    shown = main(await demo.get(SIGN_IN))
    assert "accueil@example.com" in shown
    assert code_at(clock) in shown


async def test_refused_tries_change_nothing(stranger: Browser) -> None:
    before = await rows()
    await first_step(stranger, password=WRONG)
    await stranger.post("/clinique/connexion/code", {"etape": "x", "code": "000000"})
    assert await rows() == before
