"""Another address to sign in with: a code to the old mailbox, a link to the new one."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher

from domain import db
from domain.accounts import account_links, email_change, sign_in, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.tables import EmailChange
from domain.errors import TooBusy
from domain.links import Links
from domain.people.tables import Account
from jobs.expire_codes import expire_codes
from tests import databases
from tests.letterbox import LINKS, collect, of_kind
from tests.web.browser import (
    SETTINGS,
    Browser,
    Clock,
    alert,
    elements,
    forms,
    heading,
    main,
    without_tokens,
)
from tests.web.routes import NEWCOMER
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, PASSWORDS, World, own_passwords
from web.app import create_app
from web.gate import Gate

NEW = "alice@nouveau.example"
WRONG_CODE = "Ce n’est pas le bon code."


def typed(email: str = NEW, **changed: str) -> dict[str, str]:
    return {"mot_de_passe": PASSWORD, "courriel": email, "confirmation": email, **changed}


async def ask(browser: Browser, email: str = NEW, **changed: str) -> httpx.Response:
    page = await browser.get("/compte/courriel")
    return await browser.press(page, "Sauvegarder", typed(email, **changed))


async def asked(browser: Browser, clock: Clock, email: str = NEW) -> tuple[str, str]:
    """The path of the link and the code, each from its own mailbox."""
    assert (await ask(browser, email)).status_code == 303
    mails = await collect(clock.now)
    return of_kind(mails, "email_change_link").path, of_kind(mails, "email_change_code").code


async def confirm(browser: Browser, link: str, code: str) -> httpx.Response:
    return await browser.press(await browser.open(link), "Modifier le courriel", {"code": code})


async def address(account: UUID) -> str:
    row = await Account.objects().get(Account.id == account)
    assert row is not None
    return str(row.email)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


# Asking.


async def test_dashboard_leads_to_the_form_and_back(alice: Browser) -> None:
    page = await alice.click(await alice.get("/"), "modifier le courriel")
    assert heading(page) == "Modifier votre courriel"
    assert "alice@example.com" in main(page)
    assert heading(await alice.click(page, "Annuler")) == "Tableau de bord"


async def test_two_mails_leave_and_until_both_are_used_nothing_changes(
    alice: Browser, world: World, clock: Clock
) -> None:
    sent = await alice.follow(await ask(alice))
    assert heading(sent) == "Il reste à confirmer votre courriel"
    assert NEW in main(sent)
    assert "alice@example.com" in main(sent)
    mails = {mail.kind: mail for mail in await collect(clock.now)}
    assert set(mails) == {"email_change_code", "email_change_link"}
    code, link = mails["email_change_code"], mails["email_change_link"]
    assert (code.address, link.address) == ("alice@example.com", NEW)
    assert (len(code.code), code.path) == (6, "")
    assert (link.path.startswith("/changement-courriel/"), link.code) == (True, "")
    assert await address(world.alice_account) == "alice@example.com"
    assert heading(await alice.click(sent, "Terminer")) == "Tableau de bord"


async def test_no_table_holds_the_link_or_the_code(alice: Browser, clock: Clock) -> None:
    link, code = await asked(alice, clock)
    kept = str(await rows(without=frozenset()))
    assert link.rpartition("/")[2] not in kept
    assert code not in str(await db.fetch("SELECT code_hash FROM email_change"))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"mot_de_passe": ""}, "Saisissez votre mot de passe actuel."),
        ({"mot_de_passe": "Autre-12-Mot"}, "Ce n’est pas votre mot de passe actuel."),
        ({"courriel": "", "confirmation": ""}, "Saisissez votre nouvelle adresse courriel."),
        ({"courriel": "alice", "confirmation": "alice"}, "n’est pas complète"),
        ({"courriel": "ａlice@nouveau.example"}, "n’est pas complète"),
        ({"courriel": "ali\u212ae@nouveau.example"}, "n’est pas complète"),
        ({"courriel": "a" * 250 + "@nouveau.example"}, "n’est pas complète"),
        ({"courriel": "(a1)roy.camille@example.com"}, "n’est pas complète"),
        ({"courriel": '"roy.camille"@example.com'}, "n’est pas complète"),
        ({"courriel": " ALICE@Example.com "}, "C’est déjà l’adresse de votre compte."),
        ({"confirmation": "alice@ancien.example"}, "ne sont pas identiques"),
    ],
)
async def test_bad_input_is_said_beside_its_field_and_the_address_kept(
    alice: Browser, changed: dict[str, str], sentence: str
) -> None:
    answer = await ask(alice, **changed)
    assert answer.status_code == 422
    assert sentence in alert(answer)
    fields = {
        e.attrs["name"]: e.attrs["value"] for e in elements(answer, "input") if "value" in e.attrs
    }
    assert fields["courriel"] == typed(**changed)["courriel"]
    assert "Autre-12-Mot" not in answer.text
    assert PASSWORD not in answer.text
    assert await count("email_change") == 0
    assert await count("outbound_email") == 0


async def test_spelling_of_the_confirmation_may_differ_in_case(alice: Browser) -> None:
    assert (await ask(alice, confirmation=NEW.upper())).status_code == 303


async def test_wrong_passwords_pause_it_as_they_pause_signing_in(
    alice: Browser, clock: Clock
) -> None:
    for _ in range(throttles.SIGN_IN_PER_ADDRESS.most):
        assert (await ask(alice, mot_de_passe="Autre-12-Mot")).status_code == 422
    answer = await ask(alice)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    clock.now += timedelta(minutes=15)
    assert (await ask(alice)).status_code == 303


async def test_few_requests_a_day_so_that_codes_cannot_be_tried_at_leisure(
    alice: Browser, clock: Clock
) -> None:
    for _ in range(throttles.EMAIL_CHANGES.most):
        assert (await ask(alice)).status_code == 303
    assert (await ask(alice)).status_code == 429


async def test_newest_request_takes_the_place_of_the_earlier(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    first, first_code = await asked(alice, clock)
    second, second_code = await asked(alice, clock, "alice@autre.example")
    assert (await stranger.open(first)).status_code == 410
    # The earlier code does not open the newer link.
    if first_code != second_code:
        assert (await confirm(stranger, second, first_code)).status_code == 422
    assert (await confirm(stranger, second, second_code)).status_code == 303
    assert await address(world.alice_account) == "alice@autre.example"


# Sending the mails again.


async def test_mails_are_sent_again_after_a_minute_with_the_same_code_and_tries(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    assert (await confirm(stranger, link, wrong(code))).status_code == 422
    sent = await alice.get("/compte/courriel/envoi")
    answer = await alice.press(sent, "Renvoyer")
    assert (answer.status_code, "Attendez une minute" in main(answer)) == (429, True)
    clock.now += timedelta(minutes=1)
    again = await alice.follow(await alice.press(sent, "Renvoyer"))
    assert "Les deux courriels ont été renvoyés." in main(again)
    mails = await collect(clock.now)
    assert of_kind(mails, "email_change_link").path == link
    assert of_kind(mails, "email_change_code").code == code
    assert "Il reste 3 essais." in alert(await confirm(stranger, link, wrong(code)))
    clock.now += timedelta(minutes=29)
    assert (await stranger.open(link)).status_code == 410


async def test_without_a_request_there_is_nothing_to_send(alice: Browser) -> None:
    for answer in (
        await alice.get("/compte/courriel/envoi"),
        await alice.post("/compte/courriel/renvoi"),
    ):
        assert (answer.status_code, answer.headers["location"]) == (303, "/compte/courriel")


async def test_open_request_is_told_on_the_form(alice: Browser) -> None:
    await ask(alice)
    page = await alice.get("/compte/courriel")
    assert f"Un changement pour {NEW} attend d’être confirmé" in main(page)
    assert heading(await alice.click(page, "Voir comment")) == "Il reste à confirmer votre courriel"


async def test_open_request_is_told_on_the_dashboard(alice: Browser, clock: Clock) -> None:
    assert NEW not in main(await alice.get("/"))
    await ask(alice)
    page = await alice.get("/")
    assert f"Nouveau courriel {NEW} , à confirmer avant 10:30" in main(page)
    sent = await alice.click(page, "Confirmer ou renvoyer")
    assert heading(sent) == "Il reste à confirmer votre courriel"
    clock.now += timedelta(minutes=30)
    await alice.sign_in()
    assert NEW not in main(await alice.get("/"))


# A taken address.


async def outcome(browser: Browser, email: str) -> tuple[object, ...]:
    """All that who asks can tell."""
    form = await browser.get("/compte/courriel")
    hashes = PASSWORDS.calls
    with databases.statements() as statements:
        answer = await browser.press(form, "Sauvegarder", typed(email))
    sent = await browser.follow(answer)
    headers = {n: v for n, v in sent.headers.items() if n != "content-length"}
    page = without_tokens(sent).replace(email, "ADDRESS")
    return answer.status_code, page, headers, PASSWORDS.calls - hashes, len(statements)


async def test_taken_address_gives_the_same_page_and_work_but_no_link(
    alice: Browser, charlie: Browser, world: World, clock: Clock
) -> None:
    """A16: asking tells nothing of who has an account, nor of who is about to move."""
    await ask(charlie, "charlie@nouveau.example")
    await collect(clock.now)
    seen, mailed = [], []
    for email in (NEW, "charlie@example.com", "CHARLIE@nouveau.example"):
        seen.append(await outcome(alice, email))
        mailed.append({(mail.kind, mail.address) for mail in await collect(clock.now)})
    assert seen == [seen[0]] * 3
    code = ("email_change_code", "alice@example.com")
    assert mailed == [
        {code, ("email_change_link", NEW)},
        {code, ("address_asked", "charlie@example.com")},
        {code, ("address_asked", "charlie@example.com")},
    ]


async def test_no_link_there_could_be_opens_a_taken_address(
    alice: Browser, world: World, clock: Clock
) -> None:
    """A20, A43: nobody moves to the address of another to read what is mailed there."""
    await ask(alice, "charlie@example.com")
    (row,) = await EmailChange.objects()
    token = LINKS.secret_token(email_change.Purpose.CHANGE_EMAIL, row.id)
    assert LINKS.mailed_token(email_change.Purpose.CHANGE_EMAIL, row.id, row.token_hash) is None
    assert (await alice.open(f"/changement-courriel/{token}")).status_code == 410


async def test_mailbox_of_a_stranger_is_not_flooded(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    for _ in range(4):
        await ask(alice, "victim@example.com")
        await ask(charlie, "victim@example.com")
    mails = await collect(clock.now)
    to_victim = [m for m in mails if m.address == "victim@example.com" or m.kind == "address_asked"]
    assert len(to_victim) <= throttles.MAILS_TO_NEW_ADDRESS.most


async def test_address_is_free_again_once_a_request_has_run_out(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    await ask(charlie)
    clock.now += email_change.LIFE
    await charlie.sign_in("charlie@example.com")
    await alice.sign_in()
    link, _ = await asked(alice, clock)
    assert link


async def test_two_who_ask_for_one_address_at_once_get_one_link(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    answers = await asyncio.gather(ask(alice), ask(charlie))
    assert [answer.status_code for answer in answers] == [303, 303]
    kinds = sorted(mail.kind for mail in await collect(clock.now))
    assert kinds == ["address_asked", "email_change_code", "email_change_code", "email_change_link"]


async def unproven(email: str, clock: Clock) -> UUID:
    """Someone signs up with an address and shows nothing more."""
    browser = Browser(create_app(SETTINGS, clock, passwords=PASSWORDS))
    await browser.get("/inscription")
    form = NEWCOMER | {"courriel": email, "courriel_confirmation": email}
    assert (await browser.post("/inscription", form)).status_code == 303
    row = await Account.objects().get(Account.email_canonical == email)
    assert row is not None
    return UUID(str(row.id))


async def test_sign_up_that_nobody_proved_keeps_its_owner_from_no_address(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """A20: the mailbox decides; what was said and mailed without it is gone."""
    squatter = await unproven(NEW, clock)
    activation = of_kind(await collect(clock.now), "activate").path
    await db.fetch("UPDATE outbound_email SET account = {} WHERE kind = 'activate'", squatter)
    link, code = await asked(alice, clock)
    assert (await confirm(stranger, link, code)).status_code == 303
    assert await address(world.alice_account) == NEW
    assert await Account.exists().where(Account.id == squatter) is False
    assert await db.fetch("SELECT id FROM outbound_email WHERE account = {}", squatter) == []
    assert await count("registration") == 0
    assert (await stranger.open(activation)).status_code == 410


async def test_sign_up_that_was_proven_first_keeps_its_address(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """A20: a pending change is refused once another account has the address."""
    link, code = await asked(alice, clock)
    newcomer = await unproven(NEW, clock)
    await Account.update({Account.activated_at: clock.now}).where(Account.id == newcomer)
    answer = await confirm(stranger, link, code)
    assert (answer.status_code, heading(answer)) == (409, "Cette adresse n’est plus libre")
    assert await address(newcomer) == NEW
    assert await address(world.alice_account) == "alice@example.com"


async def test_closed_account_keeps_its_address(alice: Browser, world: World, clock: Clock) -> None:
    await world.account(NEW, activated_at=None, disabled_at=clock.now)
    await ask(alice)
    assert {mail.kind for mail in await collect(clock.now)} == {"email_change_code"}


# Confirming.


async def test_link_and_code_together_change_the_address_and_tell_both(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    arrival = await stranger.get(link)
    assert (arrival.status_code, arrival.headers["location"]) == (303, "/changement-courriel")
    page = await stranger.follow(arrival)
    assert heading(page) == "Modifier votre courriel de connexion"
    assert NEW in main(page)
    assert "alice@example.com" not in page.text
    answer = await stranger.press(
        page, "Modifier le courriel", {"code": f" {code[:3]}\u00a0{code[3:]} "}
    )
    form = await stranger.follow(answer)
    assert heading(form) == "Connexion"
    assert "Votre courriel est changé." in main(form)
    assert await address(world.alice_account) == NEW
    assert (await stranger.sign_in("alice@example.com")).status_code == 422
    assert (await stranger.sign_in(NEW)).status_code == 303
    assert {(m.kind, m.address) for m in await collect(clock.now)} >= {
        ("email_changed", NEW),
        ("email_changed", "alice@example.com"),
    }


async def test_other_sessions_and_mailed_links_end_and_this_browser_stays(
    alice: Browser, app: Gate, world: World, clock: Clock
) -> None:
    elsewhere = Browser(app)
    await elsewhere.sign_in()
    async with db.transaction():
        await account_links.issue(world.alice_account, "reset", links=LINKS, now=clock.now)
    link, code = await asked(alice, clock)
    before = alice.http.cookies["__Host-session"]
    done = await alice.follow(await confirm(alice, link, code))
    assert heading(done) == "Votre courriel est changé"
    old = {"cookie": f"__Host-session={before}"}  # R32
    assert (await Browser(app).get("/", headers=old)).status_code == 303
    assert NEW in main(await alice.get("/"))
    assert (await elsewhere.get("/")).status_code == 303
    assert await db.fetch("SELECT id FROM account_link WHERE ended_at IS NULL") == []


async def test_session_of_someone_else_in_that_browser_is_left_alone(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    answer = await confirm(charlie, link, code)
    assert answer.headers["location"] == "/connexion?fait=courriel"
    assert "__Host-session" not in answer.headers.get("set-cookie", "")
    assert (await charlie.get("/")).status_code == 200


async def test_code_is_wanted_and_link_alone_does_nothing(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    arabic = code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for text, sentence in [
        ("", "Saisissez le code."),
        ("   ", "Saisissez le code."),
        (code[:5], "Le code est fait de 6 chiffres."),
        (code + "0", "Le code est fait de 6 chiffres."),
        (arabic, "Le code est fait de 6 chiffres."),
        (code.replace(code[0], "o", 1), "Le code est fait de 6 chiffres."),
        ("x" * 5000, "Le code est fait de 6 chiffres."),
    ]:
        answer = await confirm(stranger, link, text)
        assert (answer.status_code, sentence in alert(answer)) == (422, True)
    assert (await db.fetch("SELECT tries FROM email_change"))[0]["tries"] == 0
    assert (await confirm(stranger, link, code)).status_code == 303


async def test_code_without_a_link_does_nothing(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    _, code = await asked(alice, clock)
    assert (await stranger.get("/changement-courriel")).status_code == 410
    await stranger.get("/connexion")
    for token in ("", "altered", "x" * 4000):
        answer = await stranger.post("/changement-courriel", {"lien": token, "code": code})
        assert answer.status_code == 410


async def test_sixth_try_fails_even_with_the_right_code(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """A19: five tries, whatever is sent after."""
    link, code = await asked(alice, clock)
    page = await stranger.open(link)
    statuses = []
    for _ in range(5):
        answer = await stranger.press(page, "Modifier le courriel", {"code": wrong(code)})
        statuses.append(answer.status_code)
    assert statuses == [422, 422, 422, 422, 410]
    assert "cinq fois sans succès" in main(answer)
    late = await stranger.press(page, "Modifier le courriel", {"code": code})
    assert (late.status_code, "cinq fois sans succès" in main(late)) == (410, True)
    assert await address(world.alice_account) == "alice@example.com"


async def test_of_fifty_tries_at_once_five_are_compared(
    alice: Browser, world: World, clock: Clock
) -> None:
    """A19: the tries are counted before any of them is looked at."""
    link, code = await asked(alice, clock)
    passwords = own_passwords()
    stranger = Browser(create_app(SETTINGS, clock, passwords=passwords))
    page = await stranger.open(link)
    (form,) = [form for form in forms(page) if form.action == "/changement-courriel"]
    tries = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 51)]
    hashes = passwords.calls
    answers = await asyncio.gather(
        *(stranger.http.post(form.action, data=form.fields | {"code": each}) for each in tries)
    )
    assert {answer.status_code for answer in answers} <= {410, 422}
    assert passwords.calls - hashes == 5
    assert (await db.fetch("SELECT tries FROM email_change"))[0]["tries"] == 5
    last = await stranger.http.post(form.action, data=form.fields | {"code": code})
    assert last.status_code == 410
    assert await address(world.alice_account) == "alice@example.com"


async def test_right_code_sent_twice_at_once_changes_the_address_once(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    page = await stranger.open(link)
    answers = await asyncio.gather(
        *(stranger.press(page, "Modifier le courriel", {"code": code}) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert await address(world.alice_account) == NEW
    assert len([m for m in await collect(clock.now) if m.kind == "email_changed"]) == 2


async def test_half_an_hour_and_no_more(alice: Browser, stranger: Browser, clock: Clock) -> None:
    link, code = await asked(alice, clock)
    page = await stranger.open(link)
    clock.now += timedelta(minutes=30, seconds=-1)
    assert (await stranger.open(link)).status_code == 200
    clock.now += timedelta(seconds=1)
    assert (await stranger.open(link)).status_code == 410
    answer = await stranger.press(page, "Modifier le courriel", {"code": code})
    assert (answer.status_code, heading(answer)) == (410, "Ce lien ne fonctionne plus")


async def test_link_is_used_once_and_says_so(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    """A13: the second use of a mailed secret."""
    link, code = await asked(alice, clock)
    await confirm(stranger, link, code)
    again = await stranger.open(link)
    assert (again.status_code, "Ce lien a déjà servi." in main(again)) == (410, True)


async def test_address_taken_meanwhile_is_a_clear_no(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    """A20: who has the address by then keeps it."""
    link, code = await asked(alice, clock)
    page = await stranger.open(link)
    await world.account(NEW)
    answer = await stranger.press(page, "Modifier le courriel", {"code": code})
    assert (answer.status_code, heading(answer)) == (409, "Cette adresse n’est plus libre")
    assert await address(world.alice_account) == "alice@example.com"
    assert (await alice.get("/")).status_code == 200
    assert (await stranger.open(link)).status_code == 410


async def test_disabled_account_is_not_changed(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    await Account.update({Account.disabled_at: clock.now}).where(Account.id == world.alice_account)
    assert (await confirm(stranger, link, code)).status_code == 404
    assert await address(world.alice_account) == "alice@example.com"


async def test_scanner_that_opens_the_link_changes_nothing(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    before = await rows()
    for _ in range(5):
        assert (await stranger.http.head(link)).status_code == 303
        assert (await stranger.open(link)).status_code == 200
        assert (await stranger.http.head("/changement-courriel")).status_code == 200
    assert await rows() == before
    assert (await confirm(stranger, link, code)).status_code == 303


async def test_secret_is_in_no_address_after_the_first_and_reaches_no_other_host(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    """A13: neither history nor Referer has it."""
    link, _ = await asked(alice, clock)
    page = await stranger.open(link)
    assert page.url.path == "/changement-courriel"
    assert page.headers["referrer-policy"] == "same-origin"
    outside = [e.attrs[n] for e in elements(page) for n in ("href", "src") if n in e.attrs]
    assert [url for url in outside if url.startswith(("http", "//"))] == []


@pytest.mark.parametrize("forged", ["evil.example", "portail.example.evil.example"])
async def test_forged_host_reaches_no_mail(alice: Browser, clock: Clock, forged: str) -> None:
    """A15: links are made from our own settings."""
    page = await alice.get("/compte/courriel")
    answer = await alice.http.post(
        "/compte/courriel",
        data={"_csrf_token": alice.token, **typed()},
        headers={"x-forwarded-host": forged, "forwarded": f"host={forged}"},
    )
    assert answer.status_code == 303
    assert of_kind(await collect(clock.now), "email_change_link").path.startswith("/changement")
    refused = await alice.http.post(
        "/compte/courriel", data={"_csrf_token": alice.token, **typed()}, headers={"host": forged}
    )
    assert (page.status_code, refused.status_code) == (200, 400)


async def test_other_methods_and_forms_of_the_request_do_nothing(
    alice: Browser, clock: Clock
) -> None:
    """A21, A47: nothing but the form itself, and of it only its fields."""
    await alice.get("/compte/courriel")
    before = await rows()
    sent = {"_csrf_token": alice.token, **typed()}
    twice = "&".join(f"{name}={value}" for name, value in [*sent.items(), ("courriel", NEW)])
    plain = {"content-type": "application/x-www-form-urlencoded"}
    answers = [
        await alice.http.get("/compte/courriel", params=sent),
        await alice.http.put("/compte/courriel", data=sent),
        await alice.http.post("/compte/courriel", json=sent),
        await alice.http.post("/compte/courriel", content=twice, headers=plain),
        await alice.http.post("/compte/courriel", data=typed()),
        await alice.http.post("/compte/courriel", data=sent | {"_method": "PUT", "courriel": ""}),
    ]
    assert [answer.status_code for answer in answers] == [200, 405, 403, 403, 403, 422]
    assert await rows() == before
    smuggled = {"new_email": "x@x.example", "account": "x", "activated_at": "", "totp_secret": "x"}
    assert (await ask(alice, **smuggled)).status_code == 303
    (row,) = await EmailChange.objects()
    assert row.new_email == NEW


async def test_every_step_is_in_the_journal_without_its_secrets(
    alice: Browser, stranger: Browser, world: World, clock: Clock
) -> None:
    link, code = await asked(alice, clock)
    await confirm(stranger, link, wrong(code))
    await confirm(stranger, link, code)
    lines = await journal("email_change")
    assert [
        (line["actor_kind"], line["actor"], line["action"], line["outcome"]) for line in lines
    ] == [
        ("account", world.alice_account, "email_change.asked", "done"),
        ("mail_link", world.alice_account, "email_change.done", "refused.wrong_code"),
        ("mail_link", world.alice_account, "email_change.done", "done"),
    ]
    text = str(await journal())
    for secret in (code, link.rpartition("/")[2], NEW, PASSWORD):
        assert secret not in text


async def test_job_ends_what_ran_out_and_nothing_else(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    await ask(alice)
    clock.now += timedelta(minutes=10)
    await ask(charlie, "charlie@nouveau.example")
    clock.now += timedelta(minutes=20)
    assert await expire_codes(now=clock.now) == 1
    assert await expire_codes(now=clock.now) == 0
    rows = await db.fetch("SELECT new_email FROM email_change WHERE ended_at IS NULL")
    assert [row["new_email"] for row in rows] == ["charlie@nouveau.example"]


# Our key renewed, and several at once.


RENEWED = Links(["another key, of the same length.", *SETTINGS.keys])


async def test_code_and_link_are_the_same_once_our_key_was_renewed(
    alice: Browser, clock: Clock
) -> None:
    await ask(alice)
    mails = await collect(clock.now, RENEWED)
    link, code = of_kind(mails, "email_change_link").path, of_kind(mails, "email_change_code").code
    clock.now += timedelta(minutes=2)
    await alice.post("/compte/courriel/renvoi")
    again = await collect(clock.now, RENEWED)
    assert of_kind(again, "email_change_code").code == code
    assert (await confirm(alice, link, code)).status_code == 303


async def test_nor_does_a_renewed_key_tell_that_an_address_is_taken(
    alice: Browser, clock: Clock
) -> None:
    await ask(alice, "charlie@example.com")
    code = of_kind(await collect(clock.now), "email_change_code").code
    clock.now += timedelta(minutes=2)
    await alice.post("/compte/courriel/renvoi")
    assert of_kind(await collect(clock.now, RENEWED), "email_change_code").code == code


async def ask_by_call(world: World, email: str, passwords: Passwords) -> None:
    typed = email_change.Typed(PASSWORD, email, email)
    browser = sign_in.Browser("203.0.113.7", "", "test")
    await email_change.ask(
        await world.viewer(), typed, browser, links=LINKS, passwords=passwords, now=world.now
    )


async def test_of_requests_for_several_addresses_at_once_one_is_left(world: World) -> None:
    passwords = own_passwords()
    asking = [ask_by_call(world, f"new{n}@example.com", passwords) for n in range(4)]
    assert await asyncio.gather(*asking) == [None] * 4
    assert (await count("email_change"), len(await journal("email_change.asked"))) == (4, 4)
    assert await EmailChange.count().where(EmailChange.ended_at.is_null()) == 1


async def test_request_that_was_too_much_at_once_is_not_counted(world: World) -> None:
    class Busy(Passwords):
        async def hash(self, password: str) -> str:
            raise TooBusy

    passwords = Busy(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(TooBusy):
        await ask_by_call(world, NEW, passwords)
    assert await count("attempt") == 0
