"""« Profil »: what the person, and those who act for them, see and change there."""

from asyncio import gather
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import audit, db
from domain.accounts import access, access_journal, throttles
from domain.accounts.access import Consent
from domain.audit import Actor
from domain.mail.tables import OutboundEmail
from domain.people.policy import Grant
from domain.people.tables import Patient
from tests.web.browser import Browser, Clock, alert, elements, heading, links, main, without_keys
from tests.web.state import count, journal, rows
from tests.world import World
from web.gate import Gate

STAFF = Actor("staff", None, "test")


async def profile(browser: Browser, patient: Any, rest: str = "") -> Any:
    return await browser.get(f"/profils/{patient}/profil{rest}")


@pytest.fixture
async def helper(world: World, app: Gate) -> Browser:
    """Denis, who reads Alice's documents with her consent."""
    account = await world.account("denis@example.com")
    denis = await world.patient("Denis", "Ouellet", date(1960, 1, 1))
    await world.grant(account, denis, relationship="self")
    await access.grant(
        STAFF,
        account,
        world.alice,
        relationship="caregiver",
        grants={Grant.READ_DOCUMENTS},
        by="accueil",
        consent=Consent("accueil", "spoken"),
        now=world.now,
    )
    browser = Browser(app)
    await browser.sign_in("denis@example.com")
    return browser


async def test_own_profile_shows_what_the_clinic_holds(alice: Browser, world: World) -> None:
    await Patient.update(
        {Patient.health_number: "GAGA 8555 0214", Patient.primary_practitioner: world.practitioner}
    ).where(Patient.id == world.alice)
    page = await profile(alice, world.alice)
    assert heading(page) == "Profil"
    for words in ("Alice Gagnon", "2 mai 1985", "••••••••0214", "Dre Camille Roy"):
        assert words in main(page)
    assert "8555" not in without_keys(page)


async def test_a_proxy_sees_identity_and_own_access_and_nothing_of_how_to_reach_them(
    alice: Browser, world: World
) -> None:
    """R49."""
    account = await world.account("bobs-own@example.com")
    await world.grant(account, world.bob, relationship="self")
    await Patient.update(
        {Patient.phone: "+15145550177", Patient.health_number: "GAGB 1803 0914"}
    ).where(Patient.id == world.bob)
    bob = Browser(alice.app)
    await bob.sign_in("bobs-own@example.com")
    await profile(bob, world.bob)
    page = await profile(alice, world.bob)
    assert "Parent" in main(page)
    assert "9 mars 2018" in main(page)
    for url in ("", "/journal"):
        page = await profile(alice, world.bob, url)
        assert page.status_code == 200
        for hidden in ("0177", "0914", "bobs-own", "Qui a accès"):
            assert hidden not in without_keys(page)
        assert "Bob Gagnon" not in " ".join(e.text for e in elements(page, "li"))


async def test_phones_are_typed_in_any_way_and_kept_in_one(alice: Browser, world: World) -> None:
    page = await profile(alice, world.alice)
    sent = await alice.press(
        page,
        "Enregistrer les téléphones",
        {
            "telephone": "514.555.0188",
            "telephone_type": "work",
            "autre_telephone": "+1 (438) 555-0199",
            "autre_telephone_type": "home",
        },
    )
    assert sent.headers["location"] == f"/profils/{world.alice}/profil?fait=telephones#telephones"
    kept = await Patient.objects().get(Patient.id == world.alice)
    assert kept is not None
    assert (kept.phone, kept.phone_kind) == ("+15145550188", "work")
    assert (kept.other_phone, kept.other_phone_kind) == ("+14385550199", "home")
    again = await alice.follow(sent)
    assert "Vos téléphones sont enregistrés." in main(again)
    fields = {
        e.attrs["name"]: e.attrs["value"] for e in elements(again, "input") if "name" in e.attrs
    }
    assert fields["telephone"] == "(514) 555-0188"
    (line,) = await journal("phones.changed")
    assert line["patient"] == world.alice


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"telephone": ""}, "Entrez un numéro de téléphone."),
        ({"telephone": "12"}, "Ce numéro n’est pas valide."),
        ({"autre_telephone": "x" * 5000}, "Ce numéro n’est pas valide."),
        ({"telephone_type": "role"}, "Choisissez un type de téléphone."),
    ],
)
async def test_wrong_phones_are_refused_with_what_was_typed_kept(
    alice: Browser, world: World, typed: dict[str, str], sentence: str
) -> None:
    right = {
        "telephone": "514 555-0188",
        "telephone_type": "mobile",
        "autre_telephone": "",
        "autre_telephone_type": "mobile",
    }
    before = await rows()
    page = await alice.press(
        await profile(alice, world.alice), "Enregistrer les téléphones", right | typed
    )
    assert (page.status_code, elements(page, "title")[0].text[:8]) == (422, "Erreur :")
    assert sentence in alert(page)
    if "telephone_type" not in typed:
        assert f'value="{next(iter(typed.values()))}"' in page.text
    assert await rows() == before


async def test_other_fields_of_the_patient_are_not_taken(alice: Browser, world: World) -> None:
    """A49."""
    smuggled = {
        "first_name": "X",
        "birth_date": "2020-01-01",
        "health_number": "X",
        "id": str(world.charlie),
        "patient": str(world.charlie),
        "relationship": "self",
        "may_book": "true",
    }
    before = await Patient.select().order_by(Patient.id)
    data = {"telephone": "514 555-0188", "telephone_type": "mobile", "autre_telephone_type": "work"}
    sent = await alice.post(f"/profils/{world.alice}/profil/telephones", data | smuggled)
    assert sent.status_code == 303
    after = await Patient.select().order_by(Patient.id)
    phones = {"phone", "phone_kind", "other_phone", "other_phone_kind", "version"}
    changed = {
        name
        for old, new in zip(before, after, strict=True)
        for name in old
        if old[name] != new[name]
    }
    assert changed <= phones


@pytest.mark.parametrize("act", ["telephones"])
async def test_phones_of_another_are_not_changed_by_who_acts_for_them(
    alice: Browser, world: World, act: str
) -> None:
    before = await rows()
    data = {"telephone": "514 555-0188", "telephone_type": "mobile", "autre_telephone_type": "work"}
    assert (await alice.post(f"/profils/{world.bob}/profil/{act}", data)).status_code == 403
    assert await rows() == before


async def test_mails_are_chosen_for_each_profile_and_by_each_account(
    alice: Browser, helper: Browser, world: World
) -> None:
    page = await profile(alice, world.bob)
    boxes = [e for e in elements(page, "input") if e.attrs.get("type") == "checkbox"]
    assert [("checked" in e.attrs, e.attrs["name"]) for e in boxes] == [
        (True, "rendez_vous"),
        (True, "communications"),
    ]
    await alice.press(page, "Enregistrer les courriels", {"communications": "oui"})
    kept = await db.fetch("SELECT account, patient, mail_class FROM mail_preference")
    assert kept == [
        {"account": world.alice_account, "patient": world.bob, "mail_class": "appointment"}
    ]
    await alice.press(
        page, "Enregistrer les courriels", {"rendez_vous": "oui", "communications": "oui"}
    )
    assert await count("mail_preference") == 0


async def test_language_of_the_account_is_chosen_here(alice: Browser, world: World) -> None:
    page = await profile(alice, world.alice)
    sent = await alice.press(page, "Enregistrer la langue", {"langue": "en"})
    assert heading(await alice.follow(sent)) == "Profile"
    (row,) = await db.fetch("SELECT language FROM account WHERE id = {}", world.alice_account)
    assert row["language"] == "en"
    odd = await alice.post(f"/profils/{world.alice}/profil/langue", {"langue": "de"})
    assert odd.status_code == 422


# Who has access.


async def test_the_person_sees_who_acts_for_them_and_since_when(
    alice: Browser, helper: Browser, world: World
) -> None:
    page = await profile(alice, world.alice)
    assert "Denis Ouellet" in main(page)
    assert "Proche aidant" in main(page)
    assert "depuis le 23 novembre 2026" in main(page).replace("\u00a0", " ")


async def test_an_access_withdrawn_is_gone_at_the_next_request(
    alice: Browser, helper: Browser, world: World
) -> None:
    """A9, R44, R48, R106."""
    assert (await profile(helper, world.alice)).status_code == 200
    page = await alice.click(await profile(alice, world.alice), "Retirer l’accès")
    assert heading(page) == "Retirer cet accès ?"
    assert "Denis Ouellet" in main(page)
    sent = await alice.press(page, "Retirer l’accès")
    assert "L’accès est retiré." in main(await alice.follow(sent))
    for rest in ("", "/journal", "/erreur"):
        gone = await profile(helper, world.alice, rest)
        assert gone.status_code == 404
    assert "Alice" not in (await helper.get("/")).text
    mails = await OutboundEmail.objects().where(OutboundEmail.kind == "access_withdrawn")
    assert len(mails) == 2
    assert world.alice_account in {mail.account for mail in mails}
    (line,) = await journal("access.withdrawn")
    assert (line["actor"], line["patient"]) == (world.alice_account, world.alice)
    assert "Accès d’un proche retiré" in (await alice.get(f"/profils/{world.alice}/profil")).text
    (consent,) = await db.fetch("SELECT withdrawn_at FROM proxy_consent")
    assert consent["withdrawn_at"] is not None


async def test_an_access_is_withdrawn_by_its_person_alone_and_pressing_twice_does_it_once(
    alice: Browser, helper: Browser, charlie: Browser, world: World
) -> None:
    (row,) = await db.fetch("SELECT id FROM proxy_grant WHERE relationship = 'caregiver'")
    url = f"/profils/{{}}/profil/acces/{row['id']}"
    before = await rows()
    assert (await helper.post(url.format(world.alice))).status_code == 403
    assert (await charlie.post(url.format(world.alice))).status_code == 404
    assert (await charlie.post(url.format(world.charlie))).status_code == 404
    assert (await alice.post(url.format(world.bob))).status_code == 403
    assert await rows() == before
    statuses = [(await alice.post(url.format(world.alice))).status_code for _ in range(2)]
    assert statuses == [303, 303]
    assert len(await journal("access.withdrawn")) == 1


async def test_ones_own_access_is_not_withdrawn(alice: Browser, world: World) -> None:
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE relationship = 'self' AND patient = {}", world.alice
    )
    url = f"/profils/{world.alice}/profil/acces/{row['id']}"
    assert (await alice.post(url)).status_code == 404


async def test_a_child_with_an_account_does_not_end_a_parents_access(
    alice: Browser, app: Gate, world: World
) -> None:
    await world.grant(await world.account("bob@example.com"), world.bob, relationship="self")
    bob = Browser(app)
    await bob.sign_in("bob@example.com")
    assert "Retirer l’accès" not in main(await profile(bob, world.bob))
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE account = {} AND patient = {}",
        world.alice_account,
        world.bob,
    )
    assert (await bob.get(f"/profils/{world.bob}/profil/acces/{row['id']}")).status_code == 403


# Who looked.


async def test_the_person_reads_who_looked_at_their_file(
    alice: Browser, helper: Browser, charlie: Browser, world: World
) -> None:
    await profile(helper, world.alice)
    await profile(charlie, world.alice)
    page = await profile(alice, world.alice, "/journal")
    said = [e.text for e in elements(page, "li") if any(p.tag == "main" for p in e.parents)]
    assert [words.partition("23 nov")[0] for words in said][:3] == [
        "A tenté d’ouvrir le dossier : refusé Un autre compte, sans accès",
        "A vu le profil Denis Ouellet",
        "A donné un accès au profil Personnel de la clinique",
    ]
    assert "Charlie" not in page.text


async def test_a_proxy_does_not_read_that_the_child_is_asked_in_or_has_an_account(
    world: World,
) -> None:
    """R49: not even by what staff did for it."""
    for patient in (world.bob, world.charlie):
        for action in ("invitation.sent", "invitation.accepted", "chart.attached"):
            await audit.record(STAFF, action, patient=patient, at=world.now)
        await audit.record(STAFF, "profile.read", patient=patient, at=world.now)
    of_bob = await access_journal.journal(await world.viewer(), world.bob, now=world.now)
    own = await access_journal.journal(
        await world.viewer(world.charlie_account), world.charlie, now=world.now
    )
    assert [line.action for line in of_bob.lines] == ["profile.read"]
    assert [line.action for line in own.lines] == [
        "profile.read",
        "chart.attached",
        "invitation.accepted",
        "invitation.sent",
    ]


async def test_a_proxy_does_not_read_of_the_childs_own_mails_or_matching(world: World) -> None:
    """R8, R49: a mail to one of the proxies is no secret, one to the child's own account is."""
    child = await world.patient("Zoé", "Gagnon", date(2016, 5, 2))
    await world.grant(world.alice_account, child)

    async def mailed(account: UUID | None, patient: UUID) -> None:
        mail = uuid4()
        await db.fetch(
            "INSERT INTO outbound_email (id, kind, account, address, facts, created_at, due_at,"
            " tries, last_error, handled_by)"
            " VALUES ({}, 'activate', {}, {}, {}, {}, {}, 0, '', '')",
            mail,
            account,
            "" if account else "zoe@example.com",
            "{}",
            world.now,
            world.now,
        )
        for action in ("mail.resent", "mail.handled"):
            await audit.record(STAFF, action, patient=patient, subject=mail, at=world.now)

    async def read() -> list[str]:
        viewer = await world.viewer()
        found = await access_journal.journal(viewer, child, now=world.now)
        return [line.action for line in found.lines]

    for action in ("read.staff.matching", "read.staff.outbox"):
        await audit.record(STAFF, action, patient=child, at=world.now)
    await mailed(world.alice_account, child)
    await mailed(None, child)
    await audit.record(STAFF, "mail.resent", patient=child, subject=uuid4(), at=world.now)
    assert await read() == ["mail.handled", "mail.resent", "read.staff.outbox"]
    own = await world.account("zoe@example.com")
    await world.grant(own, child, relationship="self")
    await mailed(own, child)
    assert await read() == ["mail.handled", "mail.resent"]


async def test_the_journal_comes_in_pages_of_fifty(alice: Browser, world: World) -> None:
    for _ in range(60):
        await audit.record(STAFF, "profile.read", patient=world.alice, at=world.now)
    page = await profile(alice, world.alice, "/journal")
    assert len([e for e in elements(page, "time") if "muted" in e.attrs.get("class", "")]) == 50
    older = await alice.click(page, "Plus anciennes")
    shown = [e for e in elements(older, "time") if "muted" in e.attrs.get("class", "")]
    assert 10 <= len(shown) <= 14
    for odd in ("x", "-1", "9" * 30, "٣"):
        answer = await profile(alice, world.alice, f"/journal?avant={odd}")
        assert answer.status_code == 200


async def test_ones_own_views_of_a_day_are_one_line(
    alice: Browser, world: World, clock: Clock
) -> None:
    visits = f"/profils/{world.alice}/rendez-vous"
    viewer = await world.viewer()
    await alice.get(visits)
    clock.now += timedelta(days=1) - timedelta(hours=10, minutes=1)  # 23:59 of that day
    await alice.sign_in()
    for _ in range(2):
        await alice.get(visits)
    clock.now += timedelta(minutes=1)
    for url in (visits, visits, f"/profils/{world.alice}/profil"):
        await alice.get(url)
    await audit.record(STAFF, "profile.read", patient=world.alice, at=clock.now)
    await alice.get(visits)
    own = await access_journal.journal(viewer, world.alice, now=clock.now)
    said = [(line.who, line.action.partition("/")[0], line.views) for line in own.lines]
    assert said[:3] == [
        ("you", "read.appointments", 1),
        ("staff", "profile.read", 1),
        ("you", "read.several", 3),
    ]
    assert len(said) == 4
    assert "A consulté le dossier (3 fois) Vous" in main(
        await profile(alice, world.alice, "/journal")
    )


async def test_many_views_of_ones_own_do_not_fill_the_pages(
    alice: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_journal, "READ", 70)
    viewer = await world.viewer()
    for _ in range(60):
        await audit.record(STAFF, "profile.read", patient=world.alice, at=world.now)
    for _ in range(60):
        await audit.record(viewer.actor, "read.profile", patient=world.alice, at=world.now)
    seen: list[tuple[str, int]] = []
    before: int | None = None
    for _ in range(5):
        shown = await access_journal.journal(viewer, world.alice, before=before, now=world.now)
        assert len(shown.lines) <= access_journal.PAGE
        seen += [(line.who, line.views) for line in shown.lines]
        before = shown.older
        if before is None:
            break
    assert sum(views for who, views in seen if who == "staff") == 60
    assert [who for who, _ in seen[:2]] == ["you", "staff"]


@pytest.mark.parametrize(
    ("relationship", "born", "status"),
    [
        ("parent", date(2018, 3, 9), 200),
        ("guardian", date(2018, 3, 9), 200),
        ("caregiver", date(2018, 3, 9), 403),
        ("other", date(2018, 3, 9), 403),
        ("parent", date(2005, 3, 9), 403),
    ],
)
async def test_a_journal_is_for_the_person_or_a_childs_parent(
    alice: Browser, world: World, relationship: str, born: date, status: int
) -> None:
    patient = await world.patient("Zoé", "Gagnon", born)
    grant = await world.grant(world.alice_account, patient, relationship=relationship)
    await world.consent(grant)
    assert (await profile(alice, patient, "/journal")).status_code == status
    is_linked = (
        f"/profils/{patient}/profil/journal" in links(await profile(alice, patient)).values()
    )
    assert is_linked == (status == 200)


async def test_the_journal_of_a_lost_profile_is_lost(alice: Browser, world: World) -> None:
    hugo = await world.patient("Hugo", "Gagnon", date(2005, 3, 9))
    await world.grant(world.alice_account, hugo)
    for rest in ("", "/journal", "/erreur"):
        page = await profile(alice, hugo, rest)
        assert (page.status_code, heading(page)) == (403, "Accès terminé")


# What is asked of the clinic.


async def test_an_error_is_told_to_the_clinic_once(alice: Browser, world: World) -> None:
    page = await alice.click(await profile(alice, world.alice), "Signaler une erreur")
    for _ in range(2):
        sent = await alice.press(page, "Envoyer", {"texte": "Mon nom s’écrit Gagné."})
        assert "Votre message est envoyé" in main(await alice.follow(sent))
    (kept,) = await db.fetch("SELECT * FROM clinic_request")
    assert (kept["kind"], kept["patient"], kept["text"]) == (
        "correct",
        world.alice,
        "Mon nom s’écrit Gagné.",
    )


async def test_a_profile_is_asked_for_from_the_dashboard(alice: Browser, world: World) -> None:
    page = await alice.click(await alice.get("/"), "Demander l’ajout d’un profil")
    sent = await alice.press(page, "Envoyer la demande", {"texte": "Ma mère"})
    assert "Votre demande est envoyée." in main(await alice.follow(sent))
    (kept,) = await db.fetch("SELECT * FROM clinic_request")
    assert (kept["kind"], kept["patient"], kept["account"]) == ("attach", None, world.alice_account)


@pytest.mark.parametrize("text", ["", "  \n ", "é" * 501])
async def test_a_request_has_words_and_not_too_many(
    alice: Browser, world: World, text: str
) -> None:
    before = await rows()
    for url in ("/compte/demande", f"/profils/{world.alice}/profil/erreur"):
        page = await alice.post(url, {"texte": text})
        assert (page.status_code, elements(page, "title")[0].text[:8]) == (422, "Erreur :")
        assert elements(page, "textarea")[0].text == text.strip()
    assert await rows() == before


async def test_a_limit_of_characters_counts_line_breaks_once(alice: Browser) -> None:
    text = "é" * 249 + "\r\n" + "é" * 250
    assert (await alice.post("/compte/demande", {"texte": text})).status_code == 303


async def test_requests_are_counted(alice: Browser, world: World) -> None:
    statuses = [
        (await alice.post("/compte/demande", {"texte": f"n° {n}"})).status_code for n in range(11)
    ]
    assert statuses == [303] * 10 + [429]


async def test_a_card_without_visits_leads_to_the_profile(helper: Browser, world: World) -> None:
    page = await helper.get("/")
    assert f"/profils/{world.alice}/profil" in links(page).values()
    assert f"/profils/{world.alice}/rendez-vous" not in links(page).values()
    assert (await profile(helper, world.alice)).status_code == 200


async def test_what_happened_to_accesses_is_told_to_the_person_alone(
    alice: Browser, helper: Browser, world: World
) -> None:
    """The caregiver reads documents: who else was given access is not theirs to know."""
    assert "Accès donné à un proche" in (await profile(alice, world.alice)).text
    assert "Accès donné" not in (await profile(helper, world.alice)).text
    world.now += timedelta(days=1)


async def test_same_error_of_two_profiles_is_two_requests(alice: Browser, world: World) -> None:
    for patient in (world.alice, world.bob, world.bob):
        page = await profile(alice, patient, "/erreur")
        answer = await alice.press(page, "Envoyer", {"texte": "La date est fausse."})
        assert answer.status_code == 303
    asked = await db.fetch("SELECT patient FROM clinic_request")
    assert {row["patient"] for row in asked} == {world.alice, world.bob}
    assert len(asked) == 2


async def test_error_sent_three_times_at_once_is_one_request(alice: Browser, world: World) -> None:
    page = await profile(alice, world.alice, "/erreur")
    await gather(*(alice.press(page, "Envoyer", {"texte": "Mon nom."}) for _ in range(3)))
    assert await count("clinic_request") == 1


async def test_second_phone_that_the_clinic_requires_is_not_cleared(
    alice: Browser, world: World
) -> None:
    await world.set_clinic(required_fields="name,phone,other_phone")
    typed = {"telephone": "514 555-0142", "autre_telephone": " "}
    page = await profile(alice, world.alice)
    answer = await alice.post(
        f"/profils/{world.alice}/profil/telephones",
        {**typed, "telephone_type": "mobile", "autre_telephone_type": "work"},
    )
    assert page.status_code == 200
    assert answer.status_code == 422
    assert "Entrez un numéro de téléphone." in alert(answer)


async def test_request_too_many_keeps_what_was_typed(alice: Browser, world: World) -> None:
    for _ in range(throttles.REQUESTS.most):
        await throttles.take(throttles.REQUESTS, str(world.alice_account), now=world.now)
    for url in ("/compte/demande", f"/profils/{world.alice}/profil/erreur"):
        await alice.get(url)
        answer = await alice.post(url, {"texte": "Mon nom s’écrit <b>Gagnon</b>."})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "86400")
        assert "Trop d’essais ont été faits." in alert(answer)
        (typed,) = [e for e in elements(answer, "textarea") if e.attrs["name"] == "texte"]
        assert typed.text == "Mon nom s’écrit <b>Gagnon</b>."
        assert elements(answer, "title")[0].text.startswith("Erreur")
