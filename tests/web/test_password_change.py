import re
import unicodedata
from asyncio import gather
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import uuid4

import httpx
import pytest

from domain import db
from domain.accounts import account_links
from domain.accounts.tables import Registration
from domain.links import Links, Purpose
from domain.people.tables import Account, Patient
from tests.web.browser import SETTINGS, Browser, Clock, alert, elements, heading, links, main, title
from tests.web.routes import CODE, NEWCOMER, invitation
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, PASSWORDS, World
from web.gate import Gate

NEW = "Gélinotte*58brume"
WRONG = "Autre-12-Mot"
FORM = "/compte/mot-de-passe"


async def change(
    browser: Browser, old: str = PASSWORD, new: str = NEW, again: str | None = None
) -> httpx.Response:
    page = await browser.get(FORM)
    typed = {"ancien": old, "mot_de_passe": new, "confirmation": new if again is None else again}
    return await browser.press(page, "Sauvegarder", typed)


async def mailed(kind: str) -> int:
    rows = await db.fetch("SELECT id FROM outbound_email WHERE kind = {}", kind)
    return len(rows)


async def test_dashboard_leads_to_the_form_and_tells_of_the_last_change(
    alice: Browser, world: World, clock: Clock
) -> None:
    page = await alice.get("/")
    assert "Dernier changement : 15 août 2026" in main(page)
    assert links(page)["modifier le mot de passe"] == FORM
    await change(alice)
    assert "Dernier changement : 23 novembre 2026" in main(await alice.get("/"))


async def test_changed_password_is_the_one_that_signs_in(alice: Browser, app: Gate) -> None:
    answer = await change(alice)
    page = await alice.follow(answer)
    assert heading(page) == "Votre mot de passe est changé"
    assert links(page)["Terminer"] == "/#connexion"
    assert (await Browser(app).sign_in(password=PASSWORD)).status_code == 422
    assert (await Browser(app).sign_in(password=NEW)).status_code == 303


async def test_other_browsers_are_signed_out_and_this_one_gets_another_session(
    alice: Browser, app: Gate, world: World
) -> None:
    """A11: whoever copied the cookie has nothing after the change."""
    phone = Browser(app)
    await phone.sign_in()
    stolen = alice.http.cookies["__Host-session"]
    await change(alice)
    assert alice.http.cookies["__Host-session"] != stolen
    assert heading(await alice.get("/")) == "Tableau de bord"
    thief = Browser(app)
    thief.http.cookies["__Host-session"] = stolen
    for browser in (phone, thief):
        assert (await browser.get("/")).headers["location"] == "/connexion?suivant=%2F"
    assert await count("session") == 1
    assert await mailed("password_changed") == 1
    assert [(line["actor"], line["subject"]) for line in await journal("password_changed")] == [
        (world.alice_account, world.alice_account)
    ]


async def test_mailed_link_dies_with_the_change(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """A14."""
    made = Links(SETTINGS.keys)
    link = await account_links.issue(world.alice_account, "reset", links=made, now=clock.now)
    await change(alice)
    token = made.secret_token(Purpose.RESET, link)
    assert (await stranger.open(f"/reinitialisation/{token}")).status_code == 410


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        (WRONG, NEW, NEW, ["Ce n’est pas votre mot de passe actuel."]),
        ("", NEW, NEW, ["Saisissez votre mot de passe actuel."]),
        (PASSWORD, NEW, WRONG, ["Les deux mots de passe ne sont pas identiques."]),
        (
            PASSWORD,
            PASSWORD,
            PASSWORD,
            ["C’est votre mot de passe actuel. Choisissez-en un autre."],
        ),
        (WRONG, "", "", ["Ce n’est pas votre mot de passe actuel.", "Choisissez un mot de passe."]),
    ],
)
async def test_refusal_is_said_beside_its_field_and_changes_nothing(
    alice: Browser, old: str, new: str, again: str, said: list[str]
) -> None:
    before = await rows()
    answer = await change(alice, old, new, again)
    assert (answer.status_code, title(answer)[:8]) == (422, "Erreur :")
    assert alert(answer).endswith(" ".join(said))
    for word in (PASSWORD, NEW, WRONG):
        assert word not in answer.text
    assert await rows() == before


@pytest.mark.parametrize(("old", "costs"), [("", 0), (WRONG, 1), (PASSWORD, 2)])
async def test_who_does_not_know_the_old_password_costs_no_look_at_the_new_one(
    alice: Browser, old: str, costs: int
) -> None:
    before = PASSWORDS.calls
    assert (await change(alice, old, "Bonjour2026!")).status_code == 422
    assert PASSWORDS.calls - before == costs


async def test_tenth_wrong_password_brings_a_pause_for_the_right_one_too(
    alice: Browser, clock: Clock
) -> None:
    """A19: a borrowed open browser does not guess the password."""
    for _ in range(10):
        assert (await change(alice, WRONG)).status_code == 422
    answer = await change(alice)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "Trop d’essais ont été faits." in alert(answer)
    clock.now += timedelta(minutes=15)
    assert (await change(alice)).status_code == 303


async def test_of_two_changes_at_once_one_succeeds(app: Gate, world: World, clock: Clock) -> None:
    browsers = [Browser(app), Browser(app)]
    for browser in browsers:
        await browser.sign_in()
    clock.now += timedelta(seconds=1)
    pages = [await browser.get(FORM) for browser in browsers]
    typed = {"ancien": PASSWORD, "mot_de_passe": NEW, "confirmation": NEW}
    answers = await gather(
        *(b.press(p, "Sauvegarder", typed) for b, p in zip(browsers, pages, strict=True))
    )
    ways = sorted(answer.headers.get("location", "").partition("?")[0] for answer in answers)
    assert ways in (
        ["/compte/mot-de-passe/termine", "/connexion"],
        ["", "/compte/mot-de-passe/termine"],  # the second found the password changed
    )
    assert await mailed("password_changed") == 1
    assert await count("session") == 1


async def test_fresh_session_has_form_tokens_of_its_own(alice: Browser) -> None:
    await alice.get(FORM)
    early = alice.token
    await change(alice)
    assert (await alice.post("/deconnexion", {"_csrf_token": early})).status_code == 403
    await alice.get("/")
    assert (await alice.post("/deconnexion")).status_code == 303


async def test_nobody_elses_password_is_changed_by_what_is_sent(
    alice: Browser, app: Gate, world: World
) -> None:
    await alice.get(FORM)
    smuggled = {"compte": str(world.charlie_account), "courriel": "charlie@example.com"}
    typed = {"ancien": PASSWORD, "mot_de_passe": NEW, "confirmation": NEW}
    assert (await alice.post(FORM, typed | smuggled)).status_code == 303
    assert (await Browser(app).sign_in("charlie@example.com")).status_code == 303


# Every form that takes a new password asks the one rule.


Submit = Callable[[Browser, World, Clock, str], Awaitable[httpx.Response]]


async def by_change(browser: Browser, world: World, clock: Clock, new: str) -> httpx.Response:
    await browser.sign_in()
    return await change(browser, PASSWORD, new)


async def by_reset(browser: Browser, world: World, clock: Clock, new: str) -> httpx.Response:
    made = Links(SETTINGS.keys)
    link = await account_links.issue(world.alice_account, "reset", links=made, now=clock.now)
    page = await browser.open(f"/reinitialisation/{made.secret_token(Purpose.RESET, link)}")
    return await browser.press(page, "Connexion", {"mot_de_passe": new, "confirmation": new})


async def by_sign_up(browser: Browser, world: World, clock: Clock, new: str) -> httpx.Response:
    address = {"courriel": OTHER_ADDRESS, "courriel_confirmation": OTHER_ADDRESS}
    alice = NEWCOMER | address | {"prenom": "Alice", "nom": "Gagnon"}
    await browser.get("/inscription")
    return await browser.post("/inscription", alice | {"mot_de_passe": new, "confirmation": new})


async def by_invitation(browser: Browser, world: World, clock: Clock, new: str) -> httpx.Response:
    token = await invitation(world, OTHER_ADDRESS)
    await Patient.update({Patient.last_name: "Gagnon"}).where(Patient.last_name == "Côté")
    page = await browser.open(f"/invitation/{token}")
    typed = {"code": CODE, "mot_de_passe": new, "confirmation": new}
    return await browser.press(page, "Connexion", typed)


OTHER_ADDRESS = "alice@nouveau.example"
FORMS_WITH_A_NEW_PASSWORD: list[Submit] = [by_change, by_reset]
FORMS_OF_A_NEW_ACCOUNT: list[Submit] = [by_sign_up, by_invitation]
REFUSED = {
    "Tu-42-N": "trop court",
    "tulipe-42-nord": "lettre majuscule",
    "TULIPE-42-NORD": "lettre minuscule",
    "Tulipe-du-Nord": "un chiffre",
    "Tulipe42Nord": "caractère spécial",
    "Bonjour2026!": "trop facile à deviner",
    "Gagnon2018!": "trop facile à deviner",
    "Erables2026!": "trop facile à deviner",
    "Alice-42-Nord!": "votre adresse courriel",
    "Aa1!" * 33: "trop long",
    "Aa1!" * 5_000: "trop long",
    "\0\0\0\0\0\0\0\0": "lettre minuscule",
    "        ": "lettre minuscule",
}


@pytest.mark.parametrize("submit", FORMS_WITH_A_NEW_PASSWORD + FORMS_OF_A_NEW_ACCOUNT)
@pytest.mark.parametrize(("new", "said"), REFUSED.items(), ids=[new[:20] for new in REFUSED])
async def test_every_form_refuses_the_same_passwords(
    stranger: Browser, world: World, clock: Clock, submit: Submit, new: str, said: str
) -> None:
    answer = await submit(stranger, world, clock, new)
    assert answer.status_code == 422
    assert said in alert(answer)
    assert re.escape(new) not in answer.text or not new.strip()


@pytest.mark.parametrize("form", [FORM, "/reinitialisation", "/inscription", "/invitation"])
async def test_megabyte_of_password_is_too_large_and_never_hashed(
    stranger: Browser, clock: Clock, form: str
) -> None:
    """A24."""
    await stranger.sign_in()
    hashes = PASSWORDS.calls
    answer = await stranger.post(form, {"ancien": PASSWORD, "mot_de_passe": "Aa1!" * 250_000})
    assert (answer.status_code, PASSWORDS.calls - hashes) == (413, 0)


@pytest.mark.parametrize("submit", FORMS_WITH_A_NEW_PASSWORD)
@pytest.mark.parametrize(
    "new",
    [
        "Tulipe 43 Nord ",
        "Été-à-Gaspé-81",
        "Trois caribous, 1 lac " + "x" * 42,
        "Caribou-81" + "éà" * 59,  # 128 letters; twice the marks once they are typed apart
    ],
)
async def test_every_form_takes_spaces_accents_and_long_phrases(
    stranger: Browser, app: Gate, world: World, clock: Clock, submit: Submit, new: str
) -> None:
    """A24: however the accents are typed, and with the last space."""
    answer = await submit(stranger, world, clock, new)
    assert answer.status_code == 303
    typed = unicodedata.normalize("NFD", new)
    assert (await Browser(app).sign_in(password=typed)).status_code == 303
    if new != new.rstrip():
        assert (await Browser(app).sign_in(password=new.rstrip())).status_code == 422


@pytest.mark.parametrize("submit", FORMS_WITH_A_NEW_PASSWORD)
async def test_every_form_hashes_alike(
    stranger: Browser, world: World, clock: Clock, submit: Submit
) -> None:
    await submit(stranger, world, clock, NEW)
    (row,) = await Account.select(Account.password_hash, Account.password_changed_at).where(
        Account.id == world.alice_account
    )
    assert row["password_hash"].startswith("$argon2id$")
    assert row["password_changed_at"] == clock.now


async def test_password_fields_can_be_filled_pasted_and_shown(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """R23."""
    made = Links(SETTINGS.keys)
    link = await account_links.issue(world.alice_account, "reset", links=made, now=clock.now)
    pages = [
        await stranger.get("/connexion"),
        await stranger.open(f"/reinitialisation/{made.secret_token(Purpose.RESET, link)}"),
        await alice.get(FORM),
    ]
    for page, kinds in zip(
        pages,
        [
            ["current-password"],
            ["new-password", "new-password"],
            ["current-password", "new-password", "new-password"],
        ],
        strict=True,
    ):
        fields = [e.attrs for e in elements(page, "input") if e.attrs.get("type") == "password"]
        assert [field["autocomplete"] for field in fields] == kinds
        for field in fields:
            assert field["spellcheck"] == "false"
            assert not {"maxlength", "minlength", "pattern", "onpaste", "value"} & set(field)
        shown = [
            e.attrs["data-reveal"] for e in elements(page, "button") if "data-reveal" in e.attrs
        ]
        assert shown == [field["id"] for field in fields]


async def test_name_given_at_sign_up_is_a_poor_password(
    alice: Browser, world: World, clock: Clock
) -> None:
    """R14: also while the account waits for its chart."""
    await Registration.insert(
        Registration(
            id=uuid4(),
            account=world.alice_account,
            first_name="Zoé",
            last_name="Brouillard",
            birth_date=date(1990, 1, 1),
            asked_at=world.now,
        )
    )
    answer = await by_change(alice, world, clock, "Brouillard1990!")
    assert (answer.status_code, "trop facile" in alert(answer)) == (422, True)
