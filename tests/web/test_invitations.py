"""In by the clinic's invitation: the link of a mail, and the code that was handed over."""

import asyncio
from datetime import date, timedelta
from unittest.mock import AsyncMock
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher

from domain import db
from domain.accounts import invitations
from domain.accounts.passwords import Passwords
from domain.accounts.tables import Invitation, Registration
from domain.audit import Actor
from domain.demo import invitation as demo_invitation
from domain.demo.data.people import CROWD
from domain.errors import AddressOfProxy, ChartTaken, Invalid, NotFound, TooBusy, TooYoung
from domain.people.tables import Account, Patient, ProxyGrant
from jobs.expire_codes import expire_codes
from tests.letterbox import LINKS, collect, of_kind
from tests.web.browser import SETTINGS, Browser, Clock, alert, elements, forms, heading, links, main
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, PASSWORDS, World, own_passwords
from web.app import create_app
from web.gate import Gate

DANA = Actor("staff", UUID(int=7), "test")
EMAIL = "Denise@example.com"
NEW_CODE = "une nouvelle demande d’activation et un nouveau code"


@pytest.fixture
async def denise(world: World) -> UUID:
    """A patient of the clinic, who has no account yet."""
    return await world.patient("Denise", "Côté", date(1960, 2, 29))


async def invited(
    clock: Clock, patient: UUID, email: str = EMAIL, **options: bool
) -> tuple[str, str]:
    """The path of the mail's link, and the code."""
    code = await invitations.invite(
        patient, email, "fr", DANA, links=LINKS, passwords=PASSWORDS, now=clock.now, **options
    )
    return of_kind(await collect(clock.now), "invitation").path, code


async def accept(
    browser: Browser, link: str, code: str, password: str = PASSWORD, **typed: str
) -> httpx.Response:
    filled = {"code": code, "mot_de_passe": password, "confirmation": password, **typed}
    return await browser.press(await browser.open(link), "Connexion", filled)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def grants(patient: UUID) -> list[dict[str, object]]:
    return await db.fetch("SELECT * FROM proxy_grant WHERE patient = {}", patient)


# Inviting.


async def test_mail_goes_to_the_address_without_the_code(
    world: World, clock: Clock, denise: UUID
) -> None:
    code = await invitations.invite(
        denise, f" {EMAIL} ", "en", DANA, links=LINKS, passwords=PASSWORDS, now=clock.now
    )
    (mail,) = await collect(clock.now)
    assert (mail.kind, mail.address, mail.language, mail.code) == ("invitation", EMAIL, "en", "")
    assert mail.until == clock.now + timedelta(days=7)
    assert (len(code), code.isascii(), code.isdecimal()) == (6, True, True)


async def test_no_table_holds_the_link_or_the_code(clock: Clock, denise: UUID) -> None:
    link, code = await invited(clock, denise)
    (row,) = await db.fetch("SELECT * FROM invitation")
    assert row["code_hash"].startswith("$argon2id$")
    assert link.rpartition("/")[2] not in str(await rows(without=frozenset()))
    assert code not in str([row["code_hash"], row["token_hash"]])


async def test_days_it_lives_are_the_clinics_own(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    await world.set_clinic(invitation_days=2)
    link, code = await invited(clock, denise)
    clock.now += timedelta(days=2, seconds=-1)
    page = await stranger.open(link)
    assert page.status_code == 200
    clock.now += timedelta(seconds=1)
    answer = await stranger.press(
        page, "Connexion", {"code": code, "mot_de_passe": PASSWORD, "confirmation": PASSWORD}
    )
    assert (answer.status_code, heading(answer)) == (410, "Invitation expirée")
    assert NEW_CODE in main(answer)
    assert "(514) 555-0142" in main(answer)
    assert await count("account") == 2


async def test_nobody_below_the_age_of_consent_is_invited(
    world: World, clock: Clock, denise: UUID
) -> None:
    with pytest.raises(TooYoung):
        await invited(clock, world.bob)
    await world.set_clinic(province="ON", consent_age=None)
    with pytest.raises(TooYoung):
        await invited(clock, denise)
    assert await count("invitation") == 0


async def test_patient_with_an_account_is_not_invited(world: World, clock: Clock) -> None:
    with pytest.raises(ChartTaken):
        await invited(clock, world.charlie)


async def test_address_must_be_one(clock: Clock, denise: UUID) -> None:
    odd = ("(a1)denise@example.com", '"denise"@example.com')
    for email in ("", "denise", "ｄenise@example.com", *odd):
        with pytest.raises(Invalid):
            await invited(clock, denise, email)


async def test_unknown_patient_is_not_found(world: World, clock: Clock) -> None:
    with pytest.raises(NotFound):
        await invited(clock, UUID(int=1))


@pytest.mark.parametrize("email", ["MERE@example.com", EMAIL])
async def test_address_or_phone_of_a_proxy_is_a_warning_that_staff_must_answer(
    world: World, clock: Clock, email: str
) -> None:
    """R8: a teenager's account is not to be opened in a parent's mailbox, or on her phone."""
    ana = await world.patient("Ana", "Gagnon", date(2010, 3, 9))
    await world.grant(world.alice_account, ana)
    was = await world.grant(await world.account("mere@example.com"), ana)
    await ProxyGrant.update({ProxyGrant.withdrawn_at: clock.now}).where(ProxyGrant.id == was)
    await Patient.update({Patient.phone: "+15145550177"}).where(
        Patient.id.is_in([world.alice, ana])
    )
    with pytest.raises(AddressOfProxy):
        await invited(clock, ana, email)
    assert await count("invitation") == 0
    await invited(clock, ana, email, in_spite_of_proxy=True)
    assert [(line["patient"], line["outcome"]) for line in await journal("invitation")] == [
        (ana, "refused.address_of_proxy"),
        (ana, "done.in_spite_of_proxy"),
    ]


async def test_own_phone_that_no_proxy_has_is_no_warning(world: World, clock: Clock) -> None:
    ana = await world.patient("Ana", "Gagnon", date(2010, 3, 9))
    await world.grant(world.alice_account, ana)
    await Patient.update({Patient.phone: "+15145550178"}).where(Patient.id == ana)
    await invited(clock, ana)
    assert [line["outcome"] for line in await journal("invitation")] == ["done"]


async def test_phone_that_a_proxy_signed_up_with_is_one_too(world: World, clock: Clock) -> None:
    ana = await world.patient("Ana", "Gagnon", date(2010, 3, 9))
    father = await world.account("father@example.com")
    await world.grant(father, ana)
    await db.fetch(
        "INSERT INTO registration (id, account, first_name, last_name, birth_date, health_number,"
        " phone, phone_kind, other_phone, other_phone_kind, asked_at, matched_by)"
        " VALUES ({}, {}, 'Luc', 'Gagnon', {}, '', '', 'mobile', '+15145550179', 'work', {}, '')",
        UUID(int=3),
        father,
        date(1980, 1, 1),
        clock.now,
    )
    await Patient.update({Patient.other_phone: "+15145550179"}).where(Patient.id == ana)
    with pytest.raises(AddressOfProxy):
        await invited(clock, ana)


async def test_new_code_kills_the_old_one(stranger: Browser, clock: Clock, denise: UUID) -> None:
    first, first_code = await invited(clock, denise)
    second, second_code = await invited(clock, denise)
    dead = await stranger.open(first)
    assert (dead.status_code, heading(dead)) == (410, "Invitation remplacée")
    assert NEW_CODE in main(dead)
    if first_code != second_code:
        assert (await accept(stranger, second, first_code)).status_code == 422
    assert (await accept(stranger, second, second_code)).status_code == 303


async def test_mail_of_a_replaced_invitation_never_leaves(clock: Clock, denise: UUID) -> None:
    for _ in range(2):
        await invitations.invite(
            denise, EMAIL, "fr", DANA, links=LINKS, passwords=PASSWORDS, now=clock.now
        )
    assert [mail.kind for mail in await collect(clock.now)] == ["invitation"]


async def test_two_invitations_at_once_leave_one_alive(clock: Clock, denise: UUID) -> None:
    passwords = own_passwords()
    await asyncio.gather(
        *(
            invitations.invite(
                denise, EMAIL, "fr", DANA, links=LINKS, passwords=passwords, now=clock.now
            )
            for _ in range(5)
        )
    )
    alive = await Invitation.count().where(Invitation.ended_at.is_null())
    assert (alive, await count("invitation")) == (1, 5)


# Accepting.


async def test_link_and_code_open_an_account_with_its_chart_and_the_terms_come_next(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    page = await stranger.open(link)
    assert heading(page) == "Activer votre compte"
    fixed = next(e for e in elements(page, "input") if e.attrs.get("name") == "courriel")
    assert (fixed.attrs["value"], "readonly" in fixed.attrs) == (EMAIL, True)
    assert "Côté" not in page.text
    terms = await stranger.follow(await accept(stranger, link, f"{code[:3]} {code[3:]}"))
    assert heading(terms) == "Termes et conditions"
    home = await stranger.follow(await stranger.press(terms, "J’ai lu"))
    assert heading(home) == "Tableau de bord"
    assert "Denise Côté" in home.text
    account = await Account.objects().get(Account.email_canonical == EMAIL.lower())
    assert account is not None
    assert (account.email, account.activated_at) == (EMAIL, clock.now)
    (grant,) = await grants(denise)
    assert (grant["account"], grant["relationship"]) == (account.id, "self")
    assert all(grant[f"may_{name}"] for name in ("book", "read_invoices", "read_documents"))
    assert all(grant[f"may_{name}"] for name in ("read_messages", "send_messages"))
    stranger.http.cookies.clear()
    assert (await stranger.sign_in(EMAIL)).status_code == 303


async def test_what_the_clinic_wrote_before_waits_unread_for_the_invited_patient(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    await world.thread(patient=denise)
    await accept(stranger, *await invited(clock, denise))
    waiting = await db.fetch("SELECT read_at FROM receipt WHERE patient = {}", denise)
    assert [row["read_at"] for row in waiting] == [None]


async def test_fresh_session_takes_the_place_of_the_one_there_was(
    charlie: Browser, clock: Clock, denise: UUID
) -> None:
    """A22: who accepts is signed in as themself, and nobody else is any more."""
    before = charlie.http.cookies["__Host-session"]
    link, code = await invited(clock, denise)
    await accept(charlie, link, code)
    assert charlie.http.cookies["__Host-session"] != before
    assert await count("session") == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"code": ""}, "Saisissez le code."),
        ({"code": "12345"}, "Le code est fait de 6 chiffres."),
        ({"code": "١٢٣٤٥٦"}, "Le code est fait de 6 chiffres."),
        ({"mot_de_passe": ""}, "Choisissez un mot de passe."),
        ({"mot_de_passe": "Court1!"}, "trop court"),
        ({"mot_de_passe": "Bonjour2026!"}, "trop facile à deviner"),
        ({"mot_de_passe": "Denise*58brume"}, "votre adresse courriel"),
        ({"confirmation": "Autre-12-Mot"}, "ne sont pas identiques"),
    ],
)
async def test_bad_input_is_said_beside_its_field_and_costs_no_try(
    stranger: Browser, clock: Clock, denise: UUID, changed: dict[str, str], sentence: str
) -> None:
    link, code = await invited(clock, denise)
    answer = await accept(stranger, link, changed.pop("code", code), **changed)
    assert (answer.status_code, sentence in alert(answer)) == (422, True)
    assert PASSWORD not in answer.text
    assert (await db.fetch("SELECT tries FROM invitation"))[0]["tries"] == 0
    assert await count("account") == 2


async def test_link_opened_in_another_session_says_whose_it_is(
    alice: Browser, charlie: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    said = "Sur cet appareil, vous êtes connecté au portail avec alice@example.com"
    link, _ = await invited(clock, denise)
    page = await alice.open(link)
    assert f"{said} . Activer le compte ci-dessous vous en déconnectera." in main(page)
    await world.account(EMAIL)
    page = await alice.open(link)
    assert f"{said} . Déconnectez-vous" in main(page)
    assert "Connexion" not in links(page)
    attaching = await alice.open("/invitation/dossier")
    assert (attaching.status_code, f"{said} ." in main(attaching)) == (403, True)
    invitee = Browser(alice.app)
    assert "Sur cet appareil" not in main(await invitee.open(link))
    await invitee.sign_in(EMAIL)
    assert "Sur cet appareil" not in main(await invitee.open(link))


async def test_sixth_try_fails_even_with_the_right_code(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    """A19: five tries."""
    link, code = await invited(clock, denise)
    page = await stranger.open(link)
    filled = {"mot_de_passe": PASSWORD, "confirmation": PASSWORD}
    said = []
    for _ in range(5):
        answer = await stranger.press(page, "Connexion", filled | {"code": wrong(code)})
        said.append(
            alert(answer).removeprefix("Il y a une erreur à corriger Ce n’est pas le bon code. ")
        )
    assert said == [
        "Il reste 4 essais.",
        "Il reste 3 essais.",
        "Il reste 2 essais.",
        "Il reste un essai.",
        "",
    ]
    assert (answer.status_code, heading(answer), NEW_CODE in main(answer)) == (
        410,
        "Trop d’essais",
        True,
    )
    late = await stranger.press(page, "Connexion", filled | {"code": code})
    assert (late.status_code, heading(late)) == (410, "Trop d’essais")
    assert await count("account") == 2


class BusyOnceTheCodeIsRight(Passwords):
    async def hash(self, password: str) -> str:
        raise TooBusy


async def test_right_code_is_no_try_even_where_what_follows_fails(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    for _ in range(4):
        await accept(stranger, link, wrong(code))
    busy = BusyOnceTheCodeIsRight(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    typed = invitations.Typed(code, PASSWORD, PASSWORD)
    with pytest.raises(TooBusy):
        await invitations.accept(
            link.rpartition("/")[2], typed, request_id="test", passwords=busy, now=clock.now
        )
    assert (await accept(stranger, link, code)).status_code == 303


async def test_of_fifty_tries_at_once_five_are_compared(
    clock: Clock, denise: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A19: the tries are counted before any of them is looked at."""
    link, code = await invited(clock, denise)
    passwords = own_passwords()
    stranger = Browser(create_app(SETTINGS, clock, passwords=passwords))
    page = await stranger.open(link)
    (form,) = [form for form in forms(page) if form.action == "/invitation"]
    filled = form.fields | {"mot_de_passe": PASSWORD, "confirmation": PASSWORD}
    tries = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 51)]
    compared = AsyncMock(wraps=passwords.verify)
    monkeypatch.setattr(passwords, "verify", compared)
    answers = await asyncio.gather(
        *(stranger.http.post(form.action, data=filled | {"code": each}) for each in tries)
    )
    assert {answer.status_code for answer in answers} <= {410, 422}
    assert compared.await_count == 5
    last = await stranger.http.post(form.action, data=filled | {"code": code})
    assert (last.status_code, await count("account")) == (410, 2)


async def test_right_answers_sent_twice_at_once_make_one_account(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    page = await stranger.open(link)
    filled = {"code": code, "mot_de_passe": PASSWORD, "confirmation": PASSWORD}
    answers = await asyncio.gather(*(stranger.press(page, "Connexion", filled) for _ in range(2)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([303, 409], [303, 410])
    assert (await count("account"), len(await grants(denise))) == (3, 1)


async def test_code_of_one_invitation_does_not_open_another(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    """A8: the link and the code belong to one patient and one address."""
    other = await world.patient("Émile", "Roy", date(1950, 1, 1))
    link, code = await invited(clock, denise)
    _, foreign = await invited(clock, other, "emile@example.com")
    if foreign != code:
        assert (await accept(stranger, link, foreign)).status_code == 422
    assert await grants(other) == []
    assert (await accept(stranger, link, code)).status_code == 303


async def test_used_invitation_says_so(stranger: Browser, clock: Clock, denise: UUID) -> None:
    link, code = await invited(clock, denise)
    await accept(stranger, link, code)
    again = await stranger.open(link)
    assert (again.status_code, heading(again)) == (410, "Invitation déjà utilisée")
    assert NEW_CODE in main(again)


async def test_unknown_altered_or_missing_links_open_nothing(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    """A43: nothing of the link can be guessed from the row or the time."""
    link, code = await invited(clock, denise)
    (row,) = await Invitation.objects()
    for token in ("x", row.id.hex, row.token_hash, link.rpartition("/")[2][:-1] + "!", "é", "%00"):
        assert (await stranger.open(f"/invitation/{token}")).status_code == 410
    stranger.http.cookies.clear()
    assert (await stranger.get("/invitation")).status_code == 410
    await stranger.get("/connexion")
    answer = await stranger.post("/invitation", {"code": code, "mot_de_passe": PASSWORD})
    assert answer.status_code == 410
    assert await count("account") == 2


async def test_scanner_that_opens_the_link_changes_nothing(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    before = await rows()
    for _ in range(5):
        assert (await stranger.http.head(link)).status_code == 303
        assert (await stranger.open(link)).status_code == 200
    assert await rows() == before
    assert (await accept(stranger, link, code)).status_code == 303


async def test_whoever_has_an_account_by_then_is_not_bound_twice(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    elsewhere = await world.account("denise.cote@example.com")
    await world.grant(elsewhere, denise, relationship="self")
    answer = await accept(stranger, link, code)
    assert (answer.status_code, heading(answer)) == (409, "Appelez la clinique")
    assert await count("account") == 3


async def test_age_is_looked_at_again_when_it_is_used(
    stranger: Browser, world: World, clock: Clock
) -> None:
    ana = await world.patient("Ana", "Gagnon", date(2012, 11, 23))
    link, code = await invited(clock, ana)
    await world.set_clinic(consent_age=16)
    assert (await accept(stranger, link, code)).status_code == 403
    assert await count("account") == 2


async def test_other_methods_and_forms_do_nothing(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    """A21, A47: nothing but the form itself, and of it only its fields."""
    link, code = await invited(clock, denise)
    page = await stranger.open(link)
    (form,) = [form for form in forms(page) if form.action == "/invitation"]
    sent = form.fields | {"code": code, "mot_de_passe": PASSWORD, "confirmation": PASSWORD}
    before = await rows()
    http = stranger.http
    answers = [
        await http.get("/invitation", params=sent),
        await http.put("/invitation", data=sent),
        await http.post("/invitation", json=sent),
        await http.post(link, data=sent),
        await http.post("/invitation", data={n: v for n, v in sent.items() if n != "_csrf_token"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 405, 403, 405, 403]
    assert await rows() == before
    smuggled = {"courriel": "x@x.example", "email": "x@x.example", "patient": "x", "role": "admin"}
    assert (await http.post("/invitation", data=sent | smuggled)).status_code == 303
    emails = {row["email"] for row in await db.fetch("SELECT email FROM account")}
    assert emails == {"alice@example.com", "charlie@example.com", EMAIL}


async def test_every_step_is_in_the_journal_without_its_secrets(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    await accept(stranger, link, wrong(code))
    await accept(stranger, link, code)
    lines = await journal("invitation")
    assert [
        (line["actor_kind"], line["action"], line["patient"], line["outcome"]) for line in lines
    ] == [
        ("staff", "invitation.sent", denise, "done"),
        ("stranger", "invitation.accepted", denise, "refused.wrong_code"),
        ("account", "invitation.accepted", denise, "done"),
    ]
    text = str(await journal())
    for secret in (code, link.rpartition("/")[2], EMAIL, EMAIL.lower(), PASSWORD):
        assert secret not in text


# An address that has an account already.


async def test_account_that_there_is_already_is_never_changed(
    stranger: Browser, alice: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    """A7: an invitation to a known address gives no way into the account behind it."""
    account = await world.account("denise@example.com")
    link, code = await invited(clock, denise, "DENISE@example.com")
    assert account
    before = await rows()
    page = await stranger.open(link)
    assert "Un compte du portail existe déjà" in main(page)
    assert [e for e in elements(page, "input") if e.attrs.get("type") == "password"] == []
    (token,) = [cookie for name, cookie in stranger.http.cookies.items() if name.endswith("link")]
    answer = await stranger.post(
        "/invitation",
        {
            "lien": token.strip('"').partition("|")[2],
            "code": code,
            "mot_de_passe": "Gélinotte*58brume",
            "confirmation": "Gélinotte*58brume",
        },
    )
    assert (answer.status_code, "existe déjà" in main(answer)) == (409, True)
    assert await rows() == before
    assert (await alice.get("/")).status_code == 200


async def test_whose_address_it_is_signs_in_and_adds_the_chart_with_the_code(
    stranger: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    account = await world.account("denise@example.com")
    link, code = await invited(clock, denise)
    page = await stranger.open(link)
    form = await stranger.get(links(page)["Connexion"])
    answer = await stranger.press(
        form, "Connexion", {"courriel": "denise@example.com", "mot_de_passe": PASSWORD}
    )
    page = await stranger.follow(answer)
    assert heading(page) == "Ajouter votre dossier"
    refused = await stranger.press(page, "Ajouter mon dossier", {"code": wrong(code)})
    assert (refused.status_code, "Il reste 4 essais." in alert(refused)) == (422, True)
    home = await stranger.follow(await stranger.press(page, "Ajouter mon dossier", {"code": code}))
    assert "Denise Côté" in home.text
    (grant,) = await grants(denise)
    assert (grant["account"], grant["relationship"]) == (account, "self")
    again = await stranger.press(page, "Ajouter mon dossier", {"code": code})
    assert (again.status_code, heading(again)) == (410, "Invitation déjà utilisée")


async def test_nobody_but_the_invited_account_adds_the_chart(
    charlie: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    await world.account("denise@example.com")
    link, code = await invited(clock, denise)
    await charlie.open(link)
    page = await charlie.open("/invitation/dossier")
    assert (page.status_code, heading(page)) == (403, "Une autre adresse a été invitée")
    answer = await charlie.post(
        "/invitation/dossier", {"lien": link.rpartition("/")[2], "code": code}
    )
    assert answer.status_code == 403
    assert await grants(denise) == []
    assert (await db.fetch("SELECT tries FROM invitation"))[0]["tries"] == 0


async def test_account_with_a_chart_of_its_own_takes_no_second_one(
    alice: Browser, world: World, clock: Clock, denise: UUID
) -> None:
    """It was free when the clinic invited. Signed in, they are not asked to sign in."""
    own = await db.fetch("SELECT id FROM proxy_grant WHERE patient = {}", world.alice)
    with pytest.raises(Invalid):
        await invited(clock, denise, "alice@example.com")
    is_own = ProxyGrant.id == own[0]["id"]
    await ProxyGrant.update({ProxyGrant.withdrawn_at: clock.now}).where(is_own)
    link, code = await invited(clock, denise, "alice@example.com")
    page = await alice.open(link)
    assert "Connectez-vous" not in main(page)
    assert links(page)["Ajouter mon dossier"] == "/invitation/dossier"
    await ProxyGrant.update({ProxyGrant.withdrawn_at: None}).where(is_own)
    for page in (await alice.open(link), await alice.open("/invitation/dossier")):
        assert (page.status_code, heading(page)) == (409, "Appelez la clinique")
        assert "Connectez-vous" not in main(page)
    answer = await alice.post(
        "/invitation/dossier", {"lien": link.rpartition("/")[2], "code": code}
    )
    assert answer.status_code == 409
    assert await grants(denise) == []


async def test_parent_does_not_become_the_child_by_an_invitation(
    stranger: Browser, world: World, clock: Clock
) -> None:
    """R8: also where staff invited before he acted for her."""
    ana = await world.patient("Ana", "Gagnon", date(2010, 3, 9))
    father = await world.account("father@example.com")
    link, code = await invited(clock, ana, "father@example.com")
    await world.grant(father, ana)
    await stranger.sign_in("father@example.com")
    await stranger.open(link)
    await stranger.get("/")
    answer = await stranger.post(
        "/invitation/dossier", {"lien": link.rpartition("/")[2], "code": code}
    )
    assert answer.status_code == 409
    assert [grant["relationship"] for grant in await grants(ana)] == ["parent"]


async def test_account_that_was_never_activated_is_begun_anew(
    stranger: Browser, app: Gate, world: World, clock: Clock, denise: UUID
) -> None:
    """Who signed up first with somebody's address neither keeps it nor gets the chart."""
    squatter = await world.account(
        "denise@example.com",
        accepts_terms=False,
        activated_at=None,
        password_hash=await PASSWORDS.hash("Gélinotte*58brume"),
    )
    link, code = await invited(clock, denise)
    assert (await accept(stranger, link, code)).status_code == 303
    other = Browser(app)
    assert (await other.sign_in(EMAIL, "Gélinotte*58brume")).status_code == 422
    assert (await other.sign_in(EMAIL)).status_code == 303
    assert not await Registration.exists().where(Registration.account == squatter)


# The job, and the look of it.


async def test_job_marks_what_ran_out_once(clock: Clock, denise: UUID) -> None:
    await invited(clock, denise)
    assert await expire_codes(now=clock.now + timedelta(days=7, seconds=-1)) == 0
    assert await expire_codes(now=clock.now + timedelta(days=7)) == 1
    assert await expire_codes(now=clock.now + timedelta(days=8)) == 0
    (row,) = await Invitation.objects()
    assert (row.ended_why, row.accepted_at) == ("expired", None)


async def test_english_page_for_who_was_invited_in_english(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    await invitations.invite(
        denise, EMAIL, "en", DANA, links=LINKS, passwords=PASSWORDS, now=clock.now
    )
    page = await stranger.open(of_kind(await collect(clock.now), "invitation").path)
    assert heading(page) == "Activate your account"


async def test_patient_is_named_by_id_or_whole_name(world: World, denise: UUID) -> None:
    assert await invitations.patient_named(str(denise)) == denise
    assert await invitations.patient_named(" Denise Côté ") == denise
    await world.patient("Denise", "Côté", date(1990, 1, 1))
    for text in ("Denise Côté", "Denise", "", str(UUID(int=9))):
        with pytest.raises(NotFound):
            await invitations.patient_named(text)


async def test_grant_of_an_invitation_says_who_invited(
    stranger: Browser, clock: Clock, denise: UUID
) -> None:
    link, code = await invited(clock, denise)
    await accept(stranger, link, code)
    row = await ProxyGrant.objects().get(ProxyGrant.patient == denise)
    assert row is not None
    assert row.granted_by == f"staff {DANA.id}"


async def test_demonstration_invites_anew_each_time_it_starts(
    stranger: Browser, world: World, clock: Clock
) -> None:
    fortin, diallo = [
        await world.patient(person.first_name, person.last_name, date(1990, 1, 1))
        for person in CROWD[:2]
    ]
    for _ in range(2):
        made = await demo_invitation.invite(links=LINKS, passwords=PASSWORDS, now=clock.now)
    assert made is not None
    (mail,) = await collect(clock.now)
    assert mail.address == made.email
    assert (await accept(stranger, mail.path, made.code)).status_code == 303
    assert len(await grants(fortin)) == 1
    next_one = await demo_invitation.invite(links=LINKS, passwords=PASSWORDS, now=clock.now)
    assert next_one is not None
    assert next_one.email != made.email
    await world.grant(world.alice_account, diallo)
    assert await demo_invitation.invite(links=LINKS, passwords=PASSWORDS, now=clock.now) is None
