import asyncio
import json
import re
import unicodedata
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from argon2 import PasswordHasher

from domain import db
from domain.accounts import throttles
from domain.accounts.passwords import Passwords
from domain.accounts.tables import EmailChange, Registration
from domain.accounts.throttles import Limit
from domain.links import Links, Purpose
from domain.people.tables import Account
from jobs.purge import purge
from tests import databases
from tests.web.browser import (
    SETTINGS,
    Browser,
    Clock,
    alert,
    buttons,
    elements,
    forms,
    heading,
    links,
    main,
    title,
    without_tokens,
)
from tests.web.routes import NEWCOMER
from tests.web.state import count, journal, rows
from tests.world import NOW, PASSWORD, PASSWORDS, World
from web.app import create_app
from web.gate import Gate

ZOE = NEWCOMER["courriel"]
OTHER = "other@example.com"
SENT = "/inscription/envoi"
SENSITIVE = (
    "id", "role", "status", "verified", "disabled_at", "account", "account_id", "patient",
    "matched_at", "matched_by", "email_canonical", "password_hash", "totp_secret", "clinic",
    "clinic_id", "dob", "is_admin", "staff",
)  # fmt: skip


def typed(**changes: str) -> dict[str, str]:
    made = NEWCOMER | changes
    if "courriel" in changes and "courriel_confirmation" not in changes:
        made["courriel_confirmation"] = changes["courriel"]
    if "mot_de_passe" in changes and "confirmation" not in changes:
        made["confirmation"] = changes["mot_de_passe"]
    return made


async def apply(browser: Browser, **changes: str) -> httpx.Response:
    await browser.get("/inscription")
    return await browser.post("/inscription", typed(**changes))


async def account(email: str = ZOE) -> Account | None:
    return await Account.objects().get(Account.email_canonical == email)


async def mails() -> list[tuple[str, UUID | None]]:
    found = await db.fetch("SELECT kind, account FROM outbound_email ORDER BY created_at, id")
    return [(mail["kind"], mail["account"]) for mail in found]


async def tokens() -> list[str]:
    """Of every activation link that was mailed, the oldest first."""
    found = await db.fetch(
        "SELECT facts FROM outbound_email WHERE kind = 'activate' ORDER BY created_at"
    )
    sent = [UUID(json.loads(mail["facts"])["link"]) for mail in found]
    return [Links(SETTINGS.keys).secret_token(Purpose.ACTIVATE, link) for link in sent]


async def token() -> str:
    return (await tokens())[-1]


async def activate(browser: Browser, link: str, password: str = PASSWORD) -> httpx.Response:
    page = await browser.open(f"/activation/{link}")
    if page.status_code != 200:
        return page
    return await press_activate(browser, page, password)


async def press_activate(
    browser: Browser, page: httpx.Response, password: str = PASSWORD
) -> httpx.Response:
    return await browser.press(page, "Activez votre compte", {"mot_de_passe": password})


async def error_of(answer: httpx.Response, field: str) -> str:
    """The sentence beside a field."""
    own = [e for e in elements(answer, "p") if e.attrs.get("id") == f"{field}-error"]
    return own[0].text.removeprefix("Erreur : ") if own else ""


# The whole way.


async def test_sign_up_leads_by_the_mail_to_the_terms_and_the_dashboard(
    stranger: Browser, world: World
) -> None:
    answer = await apply(stranger)
    assert (answer.status_code, answer.headers["location"]) == (303, SENT)
    page = await stranger.follow(answer)
    assert heading(page) == "Vérifiez votre boîte courriel"
    assert ZOE in main(page)
    assert "boîte des indésirables" in main(page)
    made = await account()
    assert made is not None
    assert (made.activated_at, await mails()) == (None, [("activate", made.id)])

    page = await stranger.open(f"/activation/{await token()}")
    assert (str(page.url.path), heading(page)) == ("/activation", "Activez votre compte")
    assert ZOE in main(page)
    answer = await press_activate(stranger, page)
    page = await stranger.follow(answer)
    assert (heading(page), "Votre compte est activé." in main(page)) == ("Connexion", True)
    assert ZOE not in str(page.url)
    for filled in (ZOE, ""):  # the once, and not for whoever opens that page later
        (email,) = [e for e in elements(page, "input") if e.attrs.get("name") == "courriel"]
        assert email.attrs["value"] == filled
        page = await stranger.get(str(page.url))

    await stranger.sign_in(ZOE)
    page = await stranger.open("/")
    assert heading(page) == "Termes et conditions"
    page = await stranger.follow(await stranger.press(page, "J’ai lu"))
    assert heading(page) == "Tableau de bord"
    assert "En attente de jumelage" in main(page)


async def test_sign_in_page_offers_to_create_an_account(stranger: Browser) -> None:
    page = await stranger.get("/connexion")
    assert "Nouveau sur le portail des patients ?" in main(page)
    assert links(page)["Créer un compte"] == "/inscription"


async def test_what_was_typed_is_kept_in_one_form_and_nothing_else(
    stranger: Browser, world: World
) -> None:
    """A49: fields that a form does not have change nothing."""
    before = await rows()
    smuggled = dict.fromkeys(SENSITIVE, "1")
    smuggled |= {"activated_at": "2026-01-01", "created_at": "2001-01-01", "language": "en"}
    assert (await apply(stranger, **smuggled)).status_code == 303
    made = await Registration.objects().first()
    owner = await account()
    assert made is not None
    assert owner is not None
    assert (made.first_name, made.last_name, str(made.birth_date)) == (
        "Zoé",
        "Tremblay",
        "1989-04-27",
    )
    assert (made.health_number, made.phone, made.other_phone) == (
        "TREZ 8954 2714",
        "+15145550199",
        "",
    )
    assert (owner.language, owner.activated_at, owner.disabled_at) == ("fr", None, None)
    assert (owner.created_at, owner.totp_secret) == (NOW, "")
    assert (made.matched_at, made.matched_by, made.asked_at) == (None, "", NOW)
    after = await rows()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"account", "registration", "account_link", "outbound_email"}


async def test_account_speaks_the_language_it_was_asked_for_in(stranger: Browser) -> None:
    await stranger.press(await stranger.get("/inscription"), "English")
    page = await stranger.get("/inscription")
    assert heading(page) == "Create an account"
    await stranger.post("/inscription", NEWCOMER)
    made = await account()
    assert made is not None
    assert made.language == "en"


async def test_sign_up_and_activation_are_in_the_journal_without_a_word_of_them(
    stranger: Browser, world: World
) -> None:
    await apply(stranger)
    await apply(stranger, courriel="alice@example.com")
    await activate(stranger, await token())
    made = await account()
    assert made is not None
    assert [(line["action"], line["actor_kind"], line["subject"], line["outcome"])
            for line in await journal()] == [
        ("sign_up", "stranger", made.id, "done"),
        ("sign_up", "stranger", None, "refused.address_taken"),
        ("account_activated", "account", made.id, "done"),
    ]  # fmt: skip
    held = str(await db.fetch("SELECT * FROM audit_line"))
    for word in ("zoe", "Zoé", "Tremblay", "TREZ", "5145550199", PASSWORD, await token()):
        assert word not in held


# The form.


async def test_form_has_the_tokens_that_fill_it_in_and_says_what_is_required(
    stranger: Browser,
) -> None:
    page = await stranger.get("/inscription")
    fields = {
        e.attrs["name"]: (
            e.attrs.get("autocomplete", ""),
            "aria-required" in e.attrs,
            "maxlength" in e.attrs,
        )
        for e in elements(page, "input")
        if e.attrs.get("type") != "hidden"
    }
    assert fields == {
        "courriel": ("email", True, False),
        "courriel_confirmation": ("email", True, False),
        "mot_de_passe": ("new-password", True, False),
        "confirmation": ("new-password", True, False),
        "prenom": ("given-name", True, False),
        "nom": ("family-name", True, False),
        "naissance_annee": ("bday-year", True, False),
        "naissance_mois": ("bday-month", True, False),
        "naissance_jour": ("bday-day", True, False),
        "numero_sante": ("off", False, False),
        "telephone": ("tel", True, False),
        "autre_telephone": ("", False, False),
    }
    labels = {e.attrs["for"]: e.text for e in elements(page, "label") if "for" in e.attrs}
    assert labels["telephone"] == "Téléphone principal * obligatoire"
    assert labels["autre_telephone"] == "Téléphone secondaire"
    kinds = [e.text for e in elements(page, "option")]
    assert kinds == ["Mobile", "Ligne fixe", "Travail", "Domicile", "Autre"] * 2
    passwords = [e for e in elements(page, "input") if e.attrs.get("type") == "password"]
    assert [e.attrs.get("spellcheck") for e in passwords] == ["false", "false"]


async def test_clinic_chooses_which_personal_fields_are_required(
    stranger: Browser, world: World
) -> None:
    await world.set_clinic(required_fields="health_number,other_phone")
    page = await stranger.get("/inscription")
    required = {e.attrs["name"] for e in elements(page, "input") if "aria-required" in e.attrs}
    assert {"numero_sante", "autre_telephone", "naissance_annee", "courriel"} <= required
    assert not {"prenom", "nom", "telephone"} & required
    answer = await apply(stranger, prenom="", nom="", telephone="", numero_sante="")
    assert answer.status_code == 422
    assert alert(answer) == (
        "Il y a 2 erreurs à corriger Inscrivez votre numéro d’assurance maladie."
        " Inscrivez un second numéro de téléphone."
    )


@pytest.mark.parametrize("province", ["QC", "ON"])
async def test_health_number_is_checked_by_its_form_in_quebec_alone(
    stranger: Browser, world: World, province: str
) -> None:
    await world.set_clinic(province=province)
    answer = await apply(stranger, numero_sante="9876 543 210")
    assert answer.status_code == (422 if province == "QC" else 303)


async def test_the_six_notices_stand_before_the_button_in_both_languages(
    stranger: Browser, world: World
) -> None:
    await world.set_clinic(retention_years=7)
    french = await stranger.get("/inscription")
    await stranger.press(french, "English")
    for page, notices in (
        (french, ["Qui les recueille Clinique des Érables, 1224, rue Ontario Est", "Pourquoi",
                  "Comment", "consulter vos renseignements et de les faire rectifier",
                  "restreindre leur utilisation ou de refuser", "7 ans après", "(514) 555-0142",
                  "info@clinique.example"]),
        (await stranger.get("/inscription"),
         ["Who collects it Clinique des Érables, 1224, rue Ontario Est", "Why", "How",
          "to see your information and to have it rectified", "restrict its use or to refuse",
          "7 years after", "(514) 555-0142", "info@clinique.example"]),
    ):  # fmt: skip
        words = main(page)
        before_the_button = words[: words.rindex(heading(page))]
        assert [notice for notice in notices if notice not in before_the_button] == []


async def test_each_error_is_beside_its_field_in_the_summary_and_in_the_title(
    stranger: Browser,
) -> None:
    answer = await apply(
        stranger,
        courriel="zoe@",
        mot_de_passe="court",
        prenom="",
        nom="x" * 81,
        naissance_mois="",
        numero_sante="12",
        telephone="12",
        autre_telephone="34",
    )
    assert (answer.status_code, title(answer)[:9]) == (422, "Erreur : ")
    summary = [e for e in elements(answer, "a") if any(
        "error-summary" in p.attrs.get("class", "") for p in e.parents)]  # fmt: skip
    said = {e.attrs["href"].removeprefix("#"): e.text for e in summary}
    assert list(said) == [
        "courriel", "mot_de_passe", "prenom", "nom", "naissance_mois", "numero_sante",
        "telephone", "autre_telephone",
    ]  # fmt: skip
    assert said["naissance_mois"] == "Il manque le mois de votre naissance."
    fields = {e.attrs["id"]: e for e in elements(answer, "input") if "id" in e.attrs}
    for name, sentence in said.items():
        beside = "naissance" if name.startswith("naissance") else name
        assert (name, await error_of(answer, beside)) == (name, sentence)
        assert fields[name].attrs["aria-invalid"] == "true"
        assert len(sentence.split()) > 2


async def test_everything_typed_is_kept_but_the_passwords(stranger: Browser) -> None:
    odd = {
        "courriel": "Zoé <zoe@example.com>",
        "courriel_confirmation": "\"&'",
        "prenom": "<script>",
        "nom": "  T  ",
        "naissance_annee": "89",
        "naissance_mois": "Avril",
        "naissance_jour": "27e",
        "numero_sante": "TREM",
        "telephone": "514",
        "telephone_type": "work",
        "autre_telephone": "5",
        "autre_telephone_type": "other",
    }
    answer = await apply(stranger, **odd)
    kept = {e.attrs["name"]: e.attrs.get("value", "") for e in elements(answer, "input")}
    chosen = [e.attrs["value"] for e in elements(answer, "option") if "selected" in e.attrs]
    assert answer.status_code == 422
    assert {n: kept[n] for n in odd if n in kept} == {n: v for n, v in odd.items() if n in kept}
    assert chosen == ["work", "other"]
    assert (kept["mot_de_passe"], kept["confirmation"]) == ("", "")
    assert PASSWORD not in answer.text


async def test_refused_form_stores_nothing_and_hashes_nothing(
    stranger: Browser, world: World
) -> None:
    before, calls = await rows(), PASSWORDS.calls
    await apply(stranger, telephone="")
    assert await count("attempt") == 1  # its password was looked at, which has a cost
    await stranger.post("/inscription")
    assert await rows() == before
    assert (PASSWORDS.calls - calls, await count("attempt")) == (1, 1)


async def test_easy_password_is_said_with_all_else_that_is_wrong(stranger: Browser) -> None:
    answer = await apply(stranger, telephone="", mot_de_passe="Tremblay-89", confirmation="x")
    for field in ("telephone", "mot_de_passe", "confirmation"):
        assert await error_of(answer, field) != ""


async def test_password_to_type_again_is_said_where_it_stood(stranger: Browser) -> None:
    hint = "Saisissez de nouveau votre mot de passe."
    assert hint not in main(await stranger.get("/inscription"))
    assert hint in main(await apply(stranger, telephone=""))
    assert hint not in main(await apply(stranger, mot_de_passe="court"))


async def test_empty_form_is_answered_field_by_field(stranger: Browser) -> None:
    await stranger.get("/inscription")
    answer = await stranger.post("/inscription")
    assert (answer.status_code, heading(answer)) == (422, "Créer un compte")


@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("x" * 1_000_000, 413),
        ("Ab1!" + "é" * 90_000, 413),
        ("Ab1!" + "x" * 125, 422),
        (" " * 20, 422),
        ("Tulipe-42-\0Nord", 303),
        (" Tulipe-42-Nord ", 303),
        (unicodedata.normalize("NFD", "Été-42-Givre-Lac"), 303),
        ("Les 7 ânes du Nord dorment sous la pluie, loin de tout et du monde!", 303),
    ],
)
async def test_odd_passwords_are_taken_whole_or_refused(
    stranger: Browser, password: str, status: int
) -> None:
    """A24."""
    assert (await apply(stranger, mot_de_passe=password)).status_code == status
    if status != 303:
        return
    await activate(stranger, await token(), password)
    assert (await stranger.sign_in(ZOE, password.strip() + "x")).status_code == 422
    assert (await stranger.sign_in(ZOE, unicodedata.normalize("NFC", password))).status_code == 303


# Too young.


async def test_child_is_told_that_a_parent_opens_the_account_and_nothing_is_kept(
    stranger: Browser, world: World
) -> None:
    before = await rows(without=frozenset())
    answer = await apply(stranger, naissance_annee="2015")
    assert (answer.status_code, heading(answer)) == (403, "Un parent ou un tuteur crée le compte")
    assert "il faut avoir l’âge légal de consentement aux soins : 14 ans" in main(answer)
    assert "demande ensuite à la clinique d’y ajouter le profil de l’enfant" in main(answer)
    assert "(514) 555-0142" in main(answer)
    assert await rows(without=frozenset()) == before


async def test_mistyped_year_is_corrected_with_the_rest_kept(stranger: Browser) -> None:
    answer = await apply(stranger, naissance_annee="2015")
    assert PASSWORD not in answer.text
    (form,) = [form for form in forms(answer) if "prenom" in form.fields]
    assert form.action == "/inscription#naissance_annee"
    page = await stranger.press(answer, "Corriger la date de naissance")
    kept = {e.attrs["name"]: e.attrs.get("value", "") for e in elements(page, "input")}
    assert (page.status_code, kept["prenom"], kept["naissance_annee"]) == (200, "Zoé", "2015")
    assert "Saisissez de nouveau votre mot de passe." in main(page)
    assert (await stranger.post("/inscription", NEWCOMER)).status_code == 303


async def test_missing_age_of_consent_refuses_everyone(stranger: Browser, world: World) -> None:
    await world.set_clinic(province="ON", consent_age=None)
    before = await rows(without=frozenset())
    answer = await apply(stranger)
    assert (answer.status_code, heading(answer)) == (403, "Appelez la clinique")
    assert await rows(without=frozenset()) == before


# A taken address.


async def change_to(address: str, world: World) -> UUID:
    change = uuid4()
    await EmailChange.insert(
        EmailChange(
            id=change,
            account=world.charlie_account,
            new_email=address,
            new_canonical=address,
            token_hash="x",
            code_hash="x",
            asked_at=world.now,
            expires_at=world.now + timedelta(minutes=30),
        )
    )
    return change


async def test_address_too_long_once_written_for_mail_servers_is_refused(
    stranger: Browser,
) -> None:
    answer = await apply(stranger, courriel="a@" + "é." * 100 + "ca")
    assert (answer.status_code, await count("account")) == (422, 2)


async def seen_by(browser: Browser, address: str) -> tuple[object, ...]:
    """Everything that who asks can see, and what it cost."""
    await browser.get("/inscription")
    hashes = PASSWORDS.calls
    with databases.statements() as asked:
        answer = await browser.post("/inscription", typed(courriel=address))
    cost = (PASSWORDS.calls - hashes, len(asked))
    page = await browser.get(SENT)
    headers = [
        {
            name: re.sub(r"link=[^;]*", "link=…", value)
            for name, value in each.headers.items()
            if name != "content-length"
        }
        for each in (answer, page)
    ]
    shown = without_tokens(page).replace(address, "ADDRESS")
    again = await browser.post(SENT, {"courriel": address})
    paused = without_tokens(again).replace(address, "ADDRESS")
    return answer.status_code, headers, shown, again.status_code, paused, *cost


async def test_free_and_taken_addresses_look_and_cost_the_same(
    app: Gate, world: World, clock: Clock
) -> None:
    """A16: nothing tells who has an account."""
    await world.account("disabled@example.com", disabled_at=world.now)
    await world.account("inactive@example.com", activated_at=None)
    await change_to("promised@example.com", world)
    seen = [
        await seen_by(Browser(app), f"{name}@example.com")
        for name in ("free", "alice", "ALICE", "disabled", "inactive", "promised")
    ]
    assert seen == [seen[0]] * 6
    assert (seen[0][0], seen[0][-2]) == (303, 2)  # the look at the password, and its hash


async def test_owner_of_a_taken_address_is_told_once_an_hour_and_keeps_the_password(
    stranger: Browser, world: World, clock: Clock
) -> None:
    before = await Account.objects().get(Account.id == world.alice_account)
    for _ in range(3):
        await apply(stranger, courriel="Alice@Example.com", mot_de_passe="Autre-12-Givre")
        clock.now += timedelta(minutes=3)
    assert await mails() == [("account_exists", world.alice_account)]
    clock.now += timedelta(hours=1)
    await apply(stranger, courriel="alice@example.com")
    assert await mails() == [("account_exists", world.alice_account)] * 2
    after = await Account.objects().get(Account.id == world.alice_account)
    assert before is not None
    assert after is not None
    assert before.to_dict() == after.to_dict()
    assert await count("registration") == 0
    assert (await stranger.sign_in()).status_code == 303


async def test_address_that_another_would_like_is_still_free(
    stranger: Browser, world: World
) -> None:
    """A20: a change left pending holds nobody's address, and its mail is not sent again."""
    await change_to(ZOE, world)
    await apply(stranger)
    made = await account()
    assert made is not None
    assert await mails() == [("activate", made.id)]
    assert await count("registration") == 1
    assert (await activate(stranger, await token())).status_code == 303


@pytest.mark.parametrize(
    "email",
    ["ａlice@example.com", "al\u0131ce@example.com", "\u0430lice@example.com", "alice\u200b@a.ca"],
)
async def test_look_alike_address_reaches_no_account(
    stranger: Browser, world: World, email: str
) -> None:
    """A23."""
    answer = await apply(stranger, courriel=email)
    assert (answer.status_code, await mails()) == (422, [])


async def test_unproven_address_belongs_to_whoever_asks_last(
    stranger: Browser, world: World, clock: Clock
) -> None:
    await apply(stranger, mot_de_passe="Autre-12-Givre", prenom="Mallory", nom="Roy")
    first = await account()
    clock.now += timedelta(minutes=3)
    await apply(stranger, courriel="ZOE@example.com")
    second = await account()
    assert first is not None
    assert second is not None
    assert (second.id, second.email, second.created_at) == (
        first.id,
        "ZOE@example.com",
        clock.now,
    )
    assert [(r.first_name, r.last_name) for r in await Registration.objects()] == [
        ("Zoé", "Tremblay")
    ]
    old, new = await tokens()
    assert (await activate(stranger, old)).status_code == 410
    assert (await activate(stranger, new)).status_code == 303
    assert (await stranger.sign_in(ZOE, "Autre-12-Givre")).status_code == 422
    assert (await stranger.sign_in(ZOE)).status_code == 303


async def test_two_who_sign_up_at_once_make_one_account(app: Gate, world: World) -> None:
    browsers = [Browser(app, ip=f"203.0.113.{n}") for n in range(5)]
    answers = await asyncio.gather(
        *(apply(browser, prenom=f"Zoé{n}") for n, browser in enumerate(browsers))
    )
    assert [answer.status_code for answer in answers] == [303] * 5
    made = await db.fetch("SELECT id FROM account WHERE email_canonical = {}", ZOE)
    alive = await db.fetch("SELECT id FROM account_link WHERE ended_at IS NULL")
    assert (len(made), await count("registration"), len(alive)) == (1, 1, 1)


async def test_signing_up_again_at_the_moment_of_activation_changes_nothing_or_all(
    app: Gate, world: World
) -> None:
    """Whoever opens the older mail never opens the newer password."""
    victim, attacker = Browser(app), Browser(app)
    await apply(victim)
    page = await victim.open(f"/activation/{await token()}")
    await attacker.get("/inscription")
    activated, _ = await asyncio.gather(
        press_activate(victim, page),
        attacker.post("/inscription", typed(mot_de_passe="Autre-12-Givre")),
    )
    signed_in = (await Browser(app).sign_in(ZOE)).status_code
    by_attacker = (await Browser(app).sign_in(ZOE, "Autre-12-Givre")).status_code
    assert (activated.status_code, signed_in, by_attacker) in [(303, 303, 422), (410, 422, 403)]


# Limits.


async def use_up(limit: Limit, who: str, clock: Clock) -> None:
    for _ in range(limit.most):
        await throttles.take(limit, who, now=clock.now)


@pytest.mark.parametrize("email", ["alice@example.com", ZOE])
async def test_too_many_sign_ups_for_an_address_wait_with_the_form_kept(
    stranger: Browser, world: World, clock: Clock, email: str
) -> None:
    await use_up(throttles.ACTIVATION_MAILS, email, clock)
    before = await rows()
    answer = await apply(stranger, courriel=email)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert "Vous pourrez réessayer" in alert(answer)
    assert (title(answer)[:9], 'value="Zoé"' in answer.text) == ("Erreur : ", True)
    assert await rows() == before


async def test_too_many_sign_ups_from_one_place_wait(app: Gate, clock: Clock) -> None:
    here, elsewhere = Browser(app, ip="198.51.100.4"), Browser(app, ip="198.51.100.5")
    await use_up(throttles.SIGN_UP_PER_IP, "198.51.100.4", clock)
    assert (await apply(here)).status_code == 429
    assert (await apply(elsewhere)).status_code == 303


async def test_costly_password_is_looked_at_only_once_the_try_is_counted(
    app: Gate, clock: Clock
) -> None:
    """So nobody keeps the others from signing in by what they type."""
    here = Browser(app, ip="198.51.100.4")
    costly = "4@8({[<369!1|70$5+x%2" * 3 + "aA"
    before = PASSWORDS.calls
    assert (await apply(here, mot_de_passe="Password-1")).status_code == 422
    assert PASSWORDS.calls - before == 1  # looked at, not hashed
    assert await count("attempt") == 1
    assert (await apply(here, mot_de_passe=costly)).status_code == 303
    assert PASSWORDS.calls - before == 3
    await use_up(throttles.SIGN_UP_PER_IP, "198.51.100.5", clock)
    before = PASSWORDS.calls
    there = Browser(app, ip="198.51.100.5")
    for password in (costly, "Password-1"):
        assert (await apply(there, mot_de_passe=password)).status_code == 429
    assert PASSWORDS.calls == before


async def test_password_easily_guessed_is_said_beside_its_field_with_the_rest_kept(
    stranger: Browser,
) -> None:
    answer = await apply(stranger, mot_de_passe="Tremblay-89")
    assert (answer.status_code, 'value="Zoé"' in answer.text) == (422, True)
    assert "trop facile à deviner" in await error_of(answer, "mot_de_passe")
    assert (await account(), await mails()) == (None, [])


async def test_too_many_hashes_at_once_ask_to_come_back_and_count_no_try(
    world: World, clock: Clock
) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    full = Passwords(hasher, at_once=0, queue=0)
    answer = await apply(Browser(create_app(SETTINGS, clock, passwords=full)))
    assert (answer.status_code, await count("attempt")) == (503, 0)


async def test_mail_is_sent_again_after_two_minutes_and_the_older_link_is_dead(
    stranger: Browser, clock: Clock
) -> None:
    page = await stranger.follow(await apply(stranger))
    too_soon = await stranger.press(page, "Renvoyer le courriel")
    assert (too_soon.status_code, too_soon.headers["retry-after"]) == (429, "120")
    assert "Vous pourrez le renvoyer à 10:02." in main(too_soon)
    clock.now += timedelta(minutes=2)
    page = await stranger.follow(await stranger.press(too_soon, "Renvoyer le courriel"))
    assert "Le courriel est envoyé de nouveau." in main(page)
    assert [kind for kind, _ in await mails()] == ["activate", "activate"]
    old, new = await tokens()
    assert (await activate(stranger, old)).status_code == 410
    assert (await activate(stranger, new)).status_code == 303


async def test_sending_again_is_the_same_for_every_address_and_writes_to_no_stranger(
    app: Gate, world: World, clock: Clock
) -> None:
    """A16."""
    seen = []
    for email in ("nobody@example.com", "alice@example.com", "Alice@Example.com"):
        browser = Browser(app)
        await browser.get(SENT)
        first = await browser.post(SENT, {"courriel": email})
        page = without_tokens(await browser.follow(first)).replace(email, "ADDRESS")
        second = await browser.post(SENT, {"courriel": email})
        seen.append((first.status_code, page, second.status_code))
        clock.now += timedelta(minutes=2)
    assert seen == [seen[0]] * 3
    assert (seen[0][0], seen[0][2]) == (303, 429)
    assert await mails() == [("account_exists", world.alice_account)]


async def test_sending_again_is_as_much_work_for_every_address(
    app: Gate, world: World, clock: Clock
) -> None:
    """A16: the time it takes tells nothing either."""
    await world.account("disabled@example.com", disabled_at=world.now)
    await world.account("inactive@example.com", activated_at=None)
    await change_to("promised@example.com", world)
    asked = {}
    for name in ("nobody", "inactive", "alice", "disabled", "promised"):
        browser = Browser(app)
        await browser.get(SENT)
        with databases.statements() as statements:
            await browser.post(SENT, {"courriel": f"{name}@example.com"})
        asked[name] = len(statements)
    assert asked == dict.fromkeys(asked, asked["nobody"])
    assert sorted(kind for kind, _ in await mails()) == [
        "account_exists",
        "account_exists",
        "activate",
    ]


async def test_mailbox_gets_ten_of_these_mails_a_day_and_who_asks_is_not_told(
    stranger: Browser, clock: Clock
) -> None:
    await apply(stranger)
    for _ in range(throttles.ACTIVATION_MAILS_A_DAY.most + 2):
        clock.now += timedelta(minutes=20)
        await stranger.get(SENT)
        assert (await stranger.post(SENT, {"courriel": ZOE})).status_code == 303
    assert len(await mails()) == throttles.ACTIVATION_MAILS_A_DAY.most
    outcomes = [line["outcome"] for line in await journal("activation_mailed")]
    assert outcomes == ["done"] * 9 + ["refused.too_many"] * 3
    # What was mailed last is not replaced by what is not mailed.
    assert (await activate(stranger, await token())).status_code == 303


async def test_sign_up_that_is_not_mailed_is_opened_by_no_older_mail(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    await apply(stranger)
    for _ in range(throttles.ACTIVATION_MAILS_A_DAY.most - 1):
        await throttles.take(throttles.ACTIVATION_MAILS_A_DAY, ZOE, now=clock.now)
    clock.now += timedelta(hours=1)
    answer = await apply(Browser(app), mot_de_passe="Autre-12-Givre")
    assert (answer.status_code, answer.headers["location"]) == (303, SENT)
    assert len(await mails()) == 1
    assert (await activate(stranger, await token())).status_code == 410
    clock.now += timedelta(days=1)
    await apply(stranger)
    assert (await activate(stranger, await token())).status_code == 303
    assert (await stranger.sign_in(ZOE)).status_code == 303


@pytest.mark.parametrize("email", ["", "zoe", "zoe@example", "a" * 300 + "@example.com", "\0"])
async def test_sending_again_asks_for_an_address_that_is_one(stranger: Browser, email: str) -> None:
    page = await stranger.get(SENT)
    assert [f.fields.get("courriel") for f in forms(page) if f.action == SENT] == [None]
    answer = await stranger.post(SENT, {"courriel": email})
    assert (answer.status_code, title(answer)[:9]) == (422, "Erreur : ")
    assert await error_of(answer, "courriel") != ""
    assert await count("attempt") == 0


# The mailed link.


async def test_activation_link_lives_24_hours_to_the_second(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    await apply(stranger)
    link = await token()
    clock.now = NOW + timedelta(hours=24)
    late = await activate(Browser(app), link)
    assert (late.status_code, heading(late)) == (410, "Ce lien ne fonctionne plus")
    assert "(514) 555-0142" in main(late)
    assert "Renvoyer le courriel" in buttons(late)
    assert links(late)["Aller à la connexion"] == "/connexion"
    clock.now -= timedelta(seconds=1)
    assert (await activate(stranger, link)).status_code == 303


async def test_page_opened_in_time_and_sent_too_late_is_refused(
    stranger: Browser, clock: Clock
) -> None:
    await apply(stranger)
    page = await stranger.open(f"/activation/{await token()}")
    clock.now += timedelta(hours=24)
    assert (await press_activate(stranger, page)).status_code == 410
    made = await account()
    assert made is not None
    assert made.activated_at is None


async def test_link_that_dies_while_the_password_is_compared_has_its_own_page(
    stranger: Browser, clock: Clock
) -> None:
    class Slow(Passwords):
        async def verify(self, password_hash: str | None, password: str) -> bool:
            clock.now += timedelta(hours=24)
            await db.fetch("UPDATE account_link SET ended_at = sent_at")
            return False

    await apply(stranger)
    browser = Browser(create_app(SETTINGS, clock, passwords=Slow(PASSWORDS._hasher)))
    page = await browser.open(f"/activation/{await token()}")
    answer = await press_activate(browser, page)
    assert (answer.status_code, heading(answer)) == (410, "Ce lien ne fonctionne plus")
    assert "Recevoir un nouveau lien" in main(answer)


async def test_used_link_says_so_and_changes_nothing(stranger: Browser, app: Gate) -> None:
    await apply(stranger)
    link = await token()
    page = await stranger.open(f"/activation/{link}")
    assert (await activate(stranger, link)).status_code == 303
    before = await rows()
    for again in (
        await press_activate(stranger, page),
        await activate(Browser(app), link),
    ):
        assert (again.status_code, heading(again)) == (410, "Ce lien a déjà servi")
        assert "Votre compte est déjà activé" in main(again)
    assert await rows() == before


async def test_two_presses_at_once_activate_once(stranger: Browser, app: Gate) -> None:
    await apply(stranger)
    browsers = [Browser(app), Browser(app)]
    pages = [await each.open(f"/activation/{await token()}") for each in browsers]
    answers = await asyncio.gather(
        *(press_activate(b, p) for b, p in zip(browsers, pages, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert len(await journal("account_activated")) == 1


async def test_page_asks_for_the_password_and_says_what_to_do_without_it(
    stranger: Browser,
) -> None:
    await apply(stranger)
    page = await stranger.open(f"/activation/{await token()}")
    (asked,) = [e.attrs for e in elements(page, "input") if e.attrs["name"] == "mot_de_passe"]
    assert (asked["type"], asked["autocomplete"]) == ("password", "current-password")
    assert "Saisissez le mot de passe choisi à l’inscription." in main(page)
    assert links(page)["Créer un compte"] == "/inscription"


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "Saisissez le mot de passe choisi à l’inscription."),
        ("Autre-12-Givre", "Ce n’est pas le mot de passe choisi à l’inscription."),
        ("x" * 129, "Ce n’est pas le mot de passe choisi à l’inscription."),
    ],
)
async def test_link_without_the_password_activates_nothing(
    stranger: Browser, password: str, sentence: str
) -> None:
    """Whoever presses every button of a mail, as scanners do, opens nothing."""
    await apply(stranger)
    link = await token()
    answer = await activate(stranger, link, password)
    assert (answer.status_code, title(answer)[:9]) == (422, "Erreur : ")
    assert (await error_of(answer, "mot_de_passe"), sentence in alert(answer)) == (sentence, True)
    assert "Autre-12-Givre" not in answer.text
    made = await account()
    assert made is not None
    assert made.activated_at is None
    assert (await press_activate(stranger, answer)).status_code == 303


async def test_owner_of_a_mailbox_never_activates_a_strangers_password(
    app: Gate, clock: Clock
) -> None:
    """Whoever signs up last chose the password; the owner signs up once more, and has it again."""
    owner, attacker = Browser(app), Browser(app)
    await apply(owner)
    clock.now += timedelta(minutes=3)
    await apply(attacker, mot_de_passe="Autre-12-Givre", prenom="Mallory")
    answer = await activate(owner, await token())
    assert answer.status_code == 422
    assert (await attacker.sign_in(ZOE, "Autre-12-Givre")).status_code == 403
    clock.now += timedelta(minutes=3)
    await owner.click(answer, "Créer un compte")
    assert (await apply(owner)).status_code == 303
    assert (await activate(owner, await token())).status_code == 303
    assert (await attacker.sign_in(ZOE, "Autre-12-Givre")).status_code == 422
    assert (await owner.sign_in(ZOE)).status_code == 303


async def test_tenth_wrong_password_brings_a_pause_for_the_right_one_too(
    stranger: Browser, clock: Clock
) -> None:
    await apply(stranger)
    link = await token()
    for _ in range(10):
        assert (await activate(stranger, link, "Autre-12-Givre")).status_code == 422
    answer = await activate(stranger, link)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "Vous pourrez réessayer" in alert(answer)
    clock.now += timedelta(minutes=15)
    assert (await activate(stranger, link)).status_code == 303
    outcomes = [line["outcome"] for line in await journal("account_activated")]
    assert outcomes == ["refused"] * 10 + ["done"]


@pytest.mark.parametrize("link", ["nonsense", "é", "a" * 2000, "%00", "x|y", "'; --"])
async def test_unknown_link_is_dead_like_an_expired_one(stranger: Browser, link: str) -> None:
    page = await stranger.open(f"/activation/{quote(link)}")
    assert (page.status_code, heading(page)) == (410, "Ce lien ne fonctionne plus")
    answer = await stranger.post("/activation", {"lien": link})
    assert (answer.status_code, heading(answer)) == (410, "Ce lien ne fonctionne plus")


async def test_link_of_another_purpose_activates_nothing(stranger: Browser) -> None:
    await apply(stranger)
    await db.fetch("UPDATE account_link SET purpose = 'reset'")
    found = await db.fetch("SELECT id FROM account_link")
    reset = Links(SETTINGS.keys).secret_token(Purpose.RESET, UUID(str(found[0]["id"])))
    assert (await activate(stranger, reset)).status_code == 410


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_the_link_activates_nothing(stranger: Browser, method: str) -> None:
    await apply(stranger)
    before = await rows(without=frozenset())
    for url in (f"/activation/{await token()}", "/activation"):
        answer = await stranger.http.request(method, url)
        assert answer.status_code in {200, 303}
        assert await token() not in answer.headers.get("location", "")
    assert await rows(without=frozenset()) == before


async def test_link_to_a_disabled_account_is_dead(stranger: Browser, world: World) -> None:
    await apply(stranger)
    await Account.update({Account.disabled_at: world.now}).where(Account.email_canonical == ZOE)
    page = await stranger.open(f"/activation/{await token()}")
    assert page.status_code == 410
    assert (await stranger.post("/activation", {"lien": await token()})).status_code == 410


async def test_link_that_a_taken_address_is_never_sent_opens_nothing(
    stranger: Browser, world: World
) -> None:
    before = await Account.objects().get(Account.id == world.alice_account)
    await apply(stranger, courriel="alice@example.com")
    found = await db.fetch("SELECT id FROM account_link")
    unsent = Links(SETTINGS.keys).secret_token(Purpose.ACTIVATE, UUID(str(found[0]["id"])))
    assert (await stranger.post("/activation", {"lien": unsent})).status_code == 410
    after = await Account.objects().get(Account.id == world.alice_account)
    assert before is not None
    assert after is not None
    assert before.to_dict() == after.to_dict()


async def test_only_the_hash_of_the_link_is_kept(stranger: Browser) -> None:
    await apply(stranger)
    assert await token() not in str(await rows(without=frozenset()))
    assert len(await token()) >= 22


async def test_forwarded_host_is_never_in_what_is_mailed(stranger: Browser) -> None:
    """A15: the mail is made from the portal's own address, and holds ids alone until then."""
    await stranger.get("/inscription")
    poisoned = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    answer = await stranger.post("/inscription", NEWCOMER, headers=poisoned)
    assert answer.headers["location"] == SENT
    assert "evil" not in str(await rows(without=frozenset()))


# Before the address is proven.


async def test_right_password_before_activation_offers_the_mail_again_and_opens_nothing(
    stranger: Browser, clock: Clock
) -> None:
    await apply(stranger)
    answer = await stranger.sign_in(ZOE)
    assert (answer.status_code, heading(answer)) == (403, "Compte à activer")
    assert "boîte des indésirables" in main(answer)
    assert await count("session") == 0
    clock.now += timedelta(minutes=2)
    page = await stranger.follow(await stranger.press(answer, "Renvoyer le courriel"))
    assert "Le courriel est envoyé de nouveau." in main(page)
    assert (await stranger.sign_in(ZOE, "Autre-12-Mot")).status_code == 422


async def test_strangers_do_not_use_up_the_mails_of_who_knows_the_password(
    stranger: Browser, app: Gate, clock: Clock
) -> None:
    """A18."""
    await apply(stranger)
    other = Browser(app)
    for _ in range(throttles.ACTIVATION_MAILS_A_DAY.most):
        clock.now += timedelta(minutes=20)
        await other.get(SENT)
        assert (await other.post(SENT, {"courriel": ZOE})).status_code == 303
    mailed = len(await mails())
    page = await stranger.sign_in(ZOE)
    for more in (1, 2):
        page = await stranger.follow(await stranger.press(page, "Renvoyer le courriel"))
        assert len(await mails()) == mailed + more
        clock.now += timedelta(minutes=2)
    assert (await activate(stranger, await token())).status_code == 303


async def test_what_shows_the_password_is_of_one_account_and_hour(
    stranger: Browser, app: Gate, world: World, clock: Clock
) -> None:
    await apply(stranger)
    (form,) = [f for f in forms(await stranger.sign_in(ZOE)) if "preuve" in f.fields]
    proof = form.fields["preuve"]
    for email, most in ((ZOE, 9), (OTHER, 10)):
        for _ in range(most):
            await throttles.take(throttles.ACTIVATION_MAILS_A_DAY, email, now=clock.now)
    await world.account(OTHER, activated_at=None)
    mailed = await mails()
    clock.now += timedelta(minutes=59)
    await stranger.get(SENT)
    for email, shown in ((OTHER, proof), (ZOE, proof[:-4] + "AAAA"), (ZOE, "é.é")):
        await stranger.post(SENT, {"courriel": email, "preuve": shown})
        assert await mails() == mailed
    clock.now += timedelta(minutes=1)
    await stranger.get(SENT)
    await stranger.post(SENT, {"courriel": ZOE, "preuve": proof})
    assert await mails() == mailed


async def test_unproven_account_and_its_mails_are_gone_after_seven_days(
    stranger: Browser, world: World, clock: Clock
) -> None:
    before = await rows()
    await apply(stranger)
    await purge(now=NOW + timedelta(days=7))
    assert await account() is not None
    await purge(now=NOW + timedelta(days=7, seconds=1))
    assert await rows() == before
    clock.now = NOW + timedelta(days=8)
    assert (await apply(stranger)).status_code == 303


async def test_activated_account_stays_and_its_expired_link_goes(
    stranger: Browser, world: World
) -> None:
    await apply(stranger)
    await activate(stranger, await token())
    await purge(now=NOW + timedelta(days=40))
    assert await account() is not None
    assert (await count("account_link"), await count("registration")) == (0, 1)


# Without a chart.


async def enter(browser: Browser) -> httpx.Response:
    await apply(browser)
    await activate(browser, await token())
    await browser.sign_in(ZOE)
    page = await browser.open("/")
    return await browser.follow(await browser.press(page, "J’ai lu"))


async def test_account_without_a_chart_sees_what_is_pending_and_whom_to_call(
    stranger: Browser, world: World
) -> None:
    page = await enter(stranger)
    assert "Nom Zoé Tremblay Date de naissance 1989-04-27 Demandé le 23 novembre 2026" in main(page)
    assert "(514) 555-0142" in main(page)
    whose = next(e for e in elements(page, "a") if "whose" in e.attrs.get("class", ""))
    assert whose.text == "En attente de jumelageZoé Tremblay"
    assert "la clinique retrouve votre dossier et le relie à ce compte" in main(page)


async def test_same_name_and_birth_date_as_a_patient_open_no_chart(
    stranger: Browser, world: World
) -> None:
    """A21: what one says of oneself binds to nothing."""
    await apply(stranger, prenom="Alice", nom="Gagnon", naissance_annee="1985",
                naissance_mois="5", naissance_jour="2", numero_sante="")  # fmt: skip
    await activate(stranger, await token())
    await stranger.sign_in(ZOE)
    page = await stranger.follow(await stranger.press(await stranger.open("/"), "J’ai lu"))
    assert "En attente de jumelage" in main(page)
    assert (await stranger.get(f"/profils/{world.alice}/rendez-vous")).status_code == 404


async def test_waiting_ends_once_a_chart_is_attached(stranger: Browser, world: World) -> None:
    await enter(stranger)
    made = await account()
    assert made is not None
    await world.grant(made.id, world.bob)
    page = await stranger.get("/")
    assert "En attente de jumelage" not in main(page)
    assert "Bob Gagnon" in main(page)


async def test_asking_again_during_the_pause_does_not_count_for_the_place(
    stranger: Browser, clock: Clock
) -> None:
    await apply(stranger)
    before = await throttles.number(throttles.SIGN_UP_PER_IP, "203.0.113.7", now=clock.now)
    await stranger.get(SENT)
    assert (await stranger.post(SENT, {"courriel": ZOE})).status_code == 429
    after = await throttles.number(throttles.SIGN_UP_PER_IP, "203.0.113.7", now=clock.now)
    assert after == before


async def test_page_says_that_a_mail_left_only_where_one_did(app: Gate, clock: Clock) -> None:
    paused, refused = Browser(app), Browser(app, ip="198.51.100.4")
    await apply(paused)
    await paused.get(SENT)
    page = await paused.post(SENT, {"courriel": ZOE})
    assert (page.status_code, heading(page)) == (429, "Vérifiez votre boîte courriel")
    assert "Le courriel vient d’être envoyé." in main(page)
    await use_up(throttles.SIGN_UP_PER_IP, "198.51.100.4", clock)
    await refused.get(SENT)
    page = await refused.post(SENT, {"courriel": "nobody@example.com"})
    assert (page.status_code, heading(page)) == (429, "Renvoyer le courriel")
    assert page.headers["retry-after"] == "3600"
    assert "Le courriel n’est pas parti. Trop d’essais ont été faits." in main(page)
    assert "Nous avons écrit" not in main(page)
    assert "vient d’être envoyé" not in main(page)


async def test_purge_leaves_an_unproven_account_that_the_clinic_disabled(world: World) -> None:
    columns = {"activated_at": None, "disabled_at": world.now}
    account = await world.account("closed@example.com", **columns)
    await purge(now=NOW + timedelta(days=30))
    assert await Account.exists().where(Account.id == account)
