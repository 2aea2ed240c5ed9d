"""Patients at the desk: found, recorded, corrected, invited, matched; and their accounts."""

import html
import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.people import names
from domain.people.tables import Account, Patient
from tests.web.browser import (
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
)
from tests.web.routes import STAFF
from tests.web.staff.newcomers import CHART, newcomer
from tests.web.staff.scene import StaffScene
from tests.web.state import journal, journal_after, last_line, rows
from tests.world import PASSWORD, World

PATIENTS, MATCHING = "/clinique/patients", "/clinique/jumelage"
GROWN = date(1989, 4, 27)
NASTY = "<script>alert(1)</script>"


@pytest.fixture
async def zoe(world: World) -> UUID:
    """A patient without an account."""
    return await world.patient("Zoé", "Tremblay", GROWN)


def at(patient: UUID, page: str = "") -> str:
    return f"{PATIENTS}/{patient}{page}"


def values(page: httpx.Response) -> dict[str, str]:
    """What stands in the fields that one types in."""
    return {
        e.attrs["id"]: e.attrs["value"]
        for e in elements(page, "input")
        if "id" in e.attrs and e.attrs.get("type") not in {"checkbox", "radio", "hidden"}
    }


def chosen(page: httpx.Response) -> list[str]:
    return [e.attrs["value"] for e in elements(page, "option") if "selected" in e.attrs]


# Finding


async def test_a_search_lists_patients_and_the_journal_says_which(
    dana: Browser, world: World
) -> None:
    line = await last_line()
    page = await dana.get(f"{PATIENTS}?q=gagnon")
    found = [
        e.attrs["href"] for e in elements(page, "a") if "/clinique/patients/" in e.attrs["href"]
    ]
    assert found[-2:] == [at(world.alice), at(world.bob)]
    noted = [(row["action"], row["patient"]) for row in await journal_after(line)]
    assert noted == [("read.staff.search", world.alice), ("read.staff.search", world.bob)]


async def test_nothing_typed_shows_nobody_and_notes_nothing(dana: Browser) -> None:
    line = await last_line()
    for query in ("", "?q=", "?q=g", "?q=zzzz", f"?q=%00&apres={uuid4()}", "?apres=x"):
        page = await dana.get(f"{PATIENTS}{query}")
        assert (page.status_code, "Gagnon" in page.text) == (200, False)
    assert await journal_after(line) == []


async def test_the_field_has_the_focus_and_keeps_what_was_typed(dana: Browser) -> None:
    page = await dana.get(PATIENTS, params={"q": f'"{NASTY}'})
    (field,) = [e for e in elements(page, "input") if e.attrs.get("id") == "q"]
    assert ("autofocus" in field.attrs, field.attrs["value"]) == (True, f'"{NASTY}')
    assert NASTY not in page.text


async def test_a_page_has_no_more_than_it_may_and_leads_on(dana: Browser, world: World) -> None:
    people = [
        Patient(
            id=uuid4(),
            first_name=f"Paul{n:02}",
            last_name="Zola",
            birth_date=GROWN,
            folded_name=names.searched(f"Paul{n:02}", "Zola"),
        )
        for n in range(60)
    ]
    await Patient.insert(*people)
    page, seen = await dana.get(f"{PATIENTS}?q=zola"), []
    while True:
        shown = [e.text for e in elements(page, "b") if "Zola" in e.text]
        assert len(shown) <= 50
        seen += shown
        if "Suivants" not in links(page):
            break
        page = await dana.click(page, "Suivants")
    assert seen == [f"Paul{n:02} Zola" for n in range(60)]


async def test_names_are_text(dana: Browser, world: World) -> None:
    """A35."""
    await Patient.update({Patient.first_name: NASTY, Patient.folded_name: "gagnon script"}).where(
        Patient.id == world.alice
    )
    for url in (f"{PATIENTS}?q=gagnon", at(world.alice), at(world.alice, "/modification")):
        page = await dana.get(url)
        assert (url, NASTY in page.text, NASTY in main(page) or url.endswith("modification")) == (
            url,
            False,
            True,
        )


# The chart


async def test_a_new_chart_opens_when_it_is_made(dana: Browser) -> None:
    await dana.get(f"{PATIENTS}/nouveau")
    answer = await dana.post(f"{PATIENTS}/nouveau", CHART)
    again = await dana.post(f"{PATIENTS}/nouveau", CHART)
    assert (answer.status_code, again.headers["location"]) == (303, answer.headers["location"])
    page = await dana.follow(answer)
    assert (heading(page), "Le dossier est créé." in main(page)) == ("Zoé Tremblay", True)
    assert "TREZ 8954 2714" in main(page)


async def test_what_is_wrong_is_said_beside_its_field_with_all_that_was_typed(
    dana: Browser,
) -> None:
    await dana.get(f"{PATIENTS}/nouveau")
    typed = CHART | {
        "prenom": "",
        "numero_sante": "abc",
        "naissance_annee": "89",
        "telephone": "12",
        "autre_telephone_type": "home",
    }
    page = await dana.post(f"{PATIENTS}/nouveau", typed)
    assert (page.status_code, title(page)[:9]) == (422, "Erreur : ")
    errors = ["prenom-error", "naissance-error", "numero_sante-error", "telephone-error"]
    assert [
        e.attrs["id"] for e in elements(page, "p") if e.attrs.get("id", "")[-6:] == "-error"
    ] == errors
    assert alert(page).startswith("Il y a 4 erreurs à corriger")
    kept = values(page)
    assert {name: kept[name] for name in kept if name in typed} == {
        name: typed[name] for name in kept if name in typed
    }
    assert chosen(page) == ["mobile", "home"]


async def test_a_chart_like_it_is_shown_before_a_second_is_made(
    dana: Browser, world: World, zoe: UUID
) -> None:
    await dana.get(f"{PATIENTS}/nouveau")
    page = await dana.post(f"{PATIENTS}/nouveau", CHART)
    assert page.status_code == 409
    assert links(page)["Zoé Tremblay"] == at(zoe)
    assert "Un dossier semblable existe déjà." in main(page)
    (line,) = await journal("read.staff.similar")
    assert line["patient"] == zoe
    typed = values(page)
    page = await dana.press(
        page, "quand même", CHART | typed | {"cle": forms(page)[-1].fields["cle"]}
    )
    assert page.status_code == 303
    assert len(await db.fetch("SELECT id FROM patient WHERE last_name = 'Tremblay'")) == 2


async def test_a_correction_is_kept_and_said(dana: Browser, zoe: UUID) -> None:
    page = await dana.get(at(zoe, "/modification"))
    assert values(page)["prenom"] == "Zoé"
    answer = await dana.post(
        at(zoe, "/modification"),
        CHART | {"prenom": "Zoë", "version": forms(page)[-1].fields["version"]},
    )
    page = await dana.follow(answer)
    assert (heading(page), "Le dossier est enregistré." in main(page)) == ("Zoë Tremblay", True)


async def test_a_colleagues_change_is_shown_beside_what_was_typed(
    dana: Browser, fay: Browser, zoe: UUID
) -> None:
    for browser in (dana, fay):
        await browser.get(at(zoe, "/modification"))
    form = CHART | {"version": "1"}
    assert (await fay.post(at(zoe, "/modification"), form | {"prenom": "Zoey"})).status_code == 303
    page = await dana.post(at(zoe, "/modification"), form | {"prenom": "Zo"})
    assert page.status_code == 409
    assert "Fay Blais a changé ce dossier à 10:00" in main(page)
    assert "Enregistré entre-temps\u00a0: Zoey" in html.unescape(page.text)
    assert values(page)["prenom"] == "Zo"
    (sent,) = [f for f in forms(page) if f.action.endswith("/modification")]
    assert sent.fields["version"] == "2"
    answer = await dana.post(at(zoe, "/modification"), form | {"prenom": "Zo", "version": "2"})
    assert answer.status_code == 303


async def test_of_two_windows_on_a_record_each_keeps_what_it_changed(
    dana: Browser, fay: Browser, zoe: UUID
) -> None:
    pages = [await each.get(at(zoe, "/modification")) for each in (fay, dana)]
    changes = (
        {"telephone": "514 555-0188", "prenom": "Zoey", "naissance_mois": "05"},
        {"prenom": "Zoë", "naissance_jour": "28"},
    )
    sent = [values(page) | KINDS | change for page, change in zip(pages, changes, strict=True)]
    assert (await fay.press(pages[0], "Enregistrer", sent[0])).status_code == 303
    answer = await dana.press(pages[1], "Enregistrer", sent[1])
    assert answer.status_code == 409
    shown = values(answer)
    kept = {name: shown[name] for name in ("prenom", "telephone", "naissance_mois")}
    assert kept == {"prenom": "Zoë", "telephone": "(514) 555-0188", "naissance_mois": "04"}
    odd = await dana.press(answer, "Enregistrer", shown | KINDS | {"nom": ""})
    assert (odd.status_code, values(odd)["telephone"]) == (422, "(514) 555-0188")
    last = await dana.press(odd, "Enregistrer", values(odd) | KINDS | {"nom": "Roy"})
    assert last.status_code == 303
    (row,) = await db.fetch("SELECT * FROM patient WHERE id = {}", zoe)
    assert (row["first_name"], row["last_name"], row["phone"], row["birth_date"]) == (
        "Zoë",
        "Roy",
        "+15145550188",
        date(1989, 4, 28),
    )


KINDS = {"telephone_type": "mobile", "autre_telephone_type": "mobile", "intervenant": ""}


async def test_unknown_patients_are_not_found(dana: Browser, world: World) -> None:
    before = await rows()
    for route in STAFF:
        if route.path.startswith(f"{PATIENTS}/{{patient}}") and route.handler in OURS:
            url = route.path.replace("{patient}", str(uuid4()))
            answer = await dana.http.request(route.method, url, data={"_csrf_token": dana.token})
            assert (str(route), answer.status_code in {403, 404, 422}) == (str(route), True)
        if route.path.startswith(f"{MATCHING}/"):
            url = route.path.replace("{newcomer}", str(uuid4()))
            if route.method == "GET":
                assert (await dana.get(url)).status_code == 404
    assert await rows() == before


OURS = {
    "show_patient",
    "edit_patient",
    "prepare_invitation",
    "show_account",
    "ask_new_address",
}


# The record


async def test_the_record_shows_the_account_and_what_goes_on(dana: Browser, world: World) -> None:
    await world.appointment(world.now + timedelta(hours=60))
    await world.thread(subject="Résultats")
    page = await dana.get(at(world.alice))
    words = main(page)
    for said in ("Actif", "alice@example.com", "Résultats", "Suivi", "À confirmer"):
        assert (said, said in words) == (said, True)
    (line,) = await journal("read.staff.record")
    assert (line["actor"], line["patient"]) == (world.dana, world.alice)


async def test_a_visit_is_booked_from_the_head_of_each_part_of_the_record(
    dana: Browser, world: World
) -> None:
    book = at(world.alice, "/rendez-vous/nouveau")
    for url in (at(world.alice), at(world.alice, "/acces"), at(world.alice, "/communications")):
        (head,) = [
            e for e in elements(await dana.get(url), "section") if e.attrs.get("class") == HEAD
        ]
        assert (url, "Nouveau rendez-vous" in head.text) == (url, True)
    page = await dana.get(at(world.alice))
    assert [e.attrs["href"] for e in elements(page, "a")].count(book) == 1
    assert main(page).index("Rendez-vous à venir") < main(page).index("Compte portail")


HEAD = "patient-head"


async def test_an_address_whose_mails_come_back_is_flagged(dana: Browser, world: World) -> None:
    """R94."""
    assert "Adresse à corriger" not in main(await dana.get(at(world.alice)))
    await Account.update({Account.undeliverable_at: world.now}).where(
        Account.id == world.alice_account
    )
    for page in (await dana.get(at(world.alice)), await dana.get(at(world.alice, "/compte"))):
        assert "Adresse à corriger" in main(page)


async def test_a_child_is_not_invited_but_a_parent_given_access(
    dana: Browser, world: World
) -> None:
    for url in (at(world.bob), at(world.bob, "/invitation")):
        page = await dana.get(url)
        assert "n’a pas l’âge de consentement" in main(page)
        assert at(world.bob, "/acces") in links(page).values()
        assert "Inviter" not in buttons(page)


# Inviting


async def test_the_code_is_on_the_answer_and_on_no_other_page(
    dana: Browser, clock: Clock, zoe: UUID
) -> None:
    """Nor on the same form's second answer, but for the two minutes of a double click."""
    page = await dana.get(at(zoe, "/invitation"))
    answer = await dana.press(page, "Inviter", {"courriel": "zoe@example.com", "langue": "en"})
    assert (answer.status_code, heading(answer)) == (200, "L’invitation est partie")
    assert answer.headers["cache-control"] == "no-store"
    (code,) = re.findall(r"\b\d{3} \d{3}\b", main(answer))
    assert code.replace(" ", "") not in str(answer.url)
    (slip,) = [e for e in elements(answer, "div") if "slip" in e.attrs.get("class", "").split()]
    assert slip.attrs["lang"] == "en-CA"
    for said in ("Zoé Tremblay", code, "zoe@example.com", "portail.example", "November 30"):
        assert (said, said in slip.text) == (said, True)
    again = await dana.press(page, "Inviter", {"courriel": "zoe@example.com", "langue": "en"})
    assert (again.status_code, code in main(again)) == (200, True)
    clock.now += timedelta(minutes=3)
    again = await dana.press(page, "Inviter", {"courriel": "zoe@example.com", "langue": "en"})
    assert (again.status_code, code in again.text) == (409, False)
    assert "ce formulaire a été envoyé deux fois" in main(again)
    assert "Inviter de nouveau" in buttons(again)
    record = await dana.get(at(zoe))
    assert code not in record.text
    assert "Invité à zoe@example.com" in main(record)


@pytest.mark.parametrize("typed", ["", "zoe", "zoe@x"])
async def test_an_address_that_is_none_is_refused_with_what_was_typed(
    dana: Browser, zoe: UUID, typed: str
) -> None:
    page = await dana.get(at(zoe, "/invitation"))
    answer = await dana.press(page, "Inviter", {"courriel": typed, "langue": "en"})
    assert (answer.status_code, values(answer)["courriel"]) == (422, typed)
    checked = [e.attrs["value"] for e in elements(answer, "input") if "checked" in e.attrs]
    assert checked == ["en"]
    assert await db.fetch("SELECT id FROM invitation") == []


async def test_a_proxys_address_is_warned_of_and_may_be_meant(
    dana: Browser, world: World, zoe: UUID
) -> None:
    """R8."""
    grant = await world.grant(
        await world.account("mere@example.com"), zoe, relationship="caregiver"
    )
    await db.fetch("UPDATE proxy_grant SET withdrawn_at = {} WHERE id = {}", world.now, grant)
    page = await dana.get(at(zoe, "/invitation"))
    typed = {"courriel": "mere@example.com", "langue": "fr"}
    page = await dana.press(page, "Inviter", typed)
    assert (page.status_code, "Inviter quand même" in buttons(page)) == (409, True)
    assert "est celui d’une personne qui agit pour lui" in alert(page)
    page = await dana.press(page, "Inviter quand même", typed)
    assert heading(page) == "L’invitation est partie"


async def test_an_address_whose_account_has_another_chart_is_said_so_before_sending(
    dana: Browser, zoe: UUID
) -> None:
    page = await dana.get(at(zoe, "/invitation"))
    typed = {"courriel": "alice@example.com", "langue": "en"}
    page = await dana.press(page, "Inviter", typed)
    assert (page.status_code, values(page)["courriel"]) == (422, "alice@example.com")
    assert "Cette adresse a déjà un compte" in alert(page)
    assert links(page)["Donner un accès"] == at(zoe, "/acces/nouveau?q=alice%40example.com")
    assert await db.fetch("SELECT id FROM invitation") == []


async def test_an_invitation_is_taken_back(dana: Browser, zoe: UUID) -> None:
    page = await dana.get(at(zoe, "/invitation"))
    await dana.press(page, "Inviter", {"courriel": "zoe@example.com", "langue": "fr"})
    page = await dana.get(at(zoe))
    page = await dana.follow(await dana.press(page, "Annuler l’invitation"))
    assert "L’invitation est annulée" in main(page)
    assert "Inviter au portail" in buttons(page)
    assert (await dana.post(at(zoe, "/invitation/annulation"))).status_code == 404


# Matching


async def test_a_newcomer_is_compared_matched_and_sees_it_at_once(
    dana: Browser, stranger: Browser, world: World, zoe: UUID
) -> None:
    account = await newcomer(world)
    await stranger.sign_in("zoe@example.com", PASSWORD)
    assert "En attente de jumelage" in main(await stranger.open("/"))
    page = await dana.click(await dana.get(PATIENTS), "1 compte à jumeler")
    assert heading(page) == "Jumelage"
    page = await dana.click(page, "Zoé Tremblay")
    assert (heading(page), "1 dossier possible" in main(page)) == ("Jumeler un compte", True)
    (line,) = await journal("read.staff.matching")
    assert line["patient"] == zoe
    page = await dana.follow(await dana.press(page, "Relier à ce dossier", {"identite": "oui"}))
    assert "Le compte est relié à ce dossier." in main(page)
    assert "En attente de jumelage" not in main(await stranger.open("/"))
    gone = await dana.get(f"{MATCHING}/{account}")
    assert (gone.status_code, heading(gone)) == (409, "Déjà jumelé")
    assert links(gone)["Ouvrir le dossier"] == at(zoe)


async def test_what_differs_is_said_in_words_and_asks_for_a_look(
    dana: Browser, world: World, zoe: UUID
) -> None:
    account = await newcomer(world, birth_date=date(1988, 4, 27))
    page = await dana.get(f"{MATCHING}/{account}")
    assert [e.text for e in elements(page, "span") if "badge" in e.attrs.get("class", "")] == [
        "Identique",
        "Différent",
    ]
    refused = await dana.press(page, "Relier à ce dossier")
    assert refused.status_code == 422
    assert "Vérifiez l’identité de la personne, puis cochez cette case." in main(refused)
    done = await dana.press(refused, "Relier à ce dossier", {"identite": "oui"})
    assert done.headers["location"] == f"{at(zoe)}?fait=jumelage"


async def test_what_is_alike_but_proves_nothing_asks_for_a_look_and_keeps_its_place(
    dana: Browser, world: World, zoe: UUID
) -> None:
    """P21."""
    other = await world.patient("Zoé", "Tremblay", GROWN)
    await Patient.update({Patient.phone: "+15145550199"}).where(Patient.id == other)
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}?dossier={world.bob}")
    order = [f.fields["patient"] for f in forms(page) if "patient" in f.fields]
    assert order == [str(world.bob), str(other), str(zoe)]
    sent = {"patient": str(zoe), "dossier": str(world.bob)}
    refused = await dana.post(f"{MATCHING}/{account}", sent)
    assert refused.status_code == 422
    assert "Rien ne prouve encore que ce dossier est le sien." in alert(refused)
    assert [f.fields["patient"] for f in forms(refused) if "patient" in f.fields] == order
    done = await dana.post(f"{MATCHING}/{account}", sent | {"identite": "oui"})
    assert done.headers["location"] == f"{at(zoe)}?fait=jumelage"


async def test_a_box_that_was_checked_stays_so(dana: Browser, world: World, zoe: UUID) -> None:
    phone = {Patient.phone: "+15145550155"}
    await Patient.update(phone).where(Patient.id.is_in([zoe, world.alice]))
    await world.grant(world.alice_account, zoe, relationship="caregiver")
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}")
    page = await dana.press(page, "Relier à ce dossier", {"identite": "oui"})
    assert (page.status_code, "Relier quand même" in buttons(page)) == (409, True)
    (box,) = [e for e in elements(page, "input") if e.attrs.get("name") == "identite"]
    assert "checked" in box.attrs
    done = await dana.press(page, "Relier quand même", {"identite": "oui"})
    assert done.status_code == 303


async def test_another_chart_is_searched_for_and_compared(dana: Browser, world: World) -> None:
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}")
    assert "Aucun dossier ne ressemble" in main(page)
    page = await dana.get(f"{MATCHING}/{account}?q=bob")
    page = await dana.click(page, "Bob Gagnon")
    assert "1 dossier possible" in main(page)
    refused = await dana.press(page, "Relier à ce dossier", {"identite": "oui"})
    assert refused.status_code == 403
    assert "Ce patient n’a pas l’âge de consentement" in alert(refused)


async def test_a_chart_with_an_account_cannot_be_pressed(dana: Browser, world: World) -> None:
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}?dossier={world.alice}")
    assert "Ce dossier a déjà un compte." in main(page)
    assert "Relier à ce dossier" not in buttons(page)
    refused = await dana.post(
        f"{MATCHING}/{account}", {"patient": str(world.alice), "identite": "oui"}
    )
    assert refused.status_code == 409


async def test_a_chart_is_made_of_what_they_typed(dana: Browser, world: World) -> None:
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}")
    page = await dana.follow(await dana.press(page, "Créer le dossier"))
    assert heading(page) == "Zoé Tremblay"


async def test_a_chart_like_it_is_asked_about_once(dana: Browser, world: World, zoe: UUID) -> None:
    account = await newcomer(world)
    page = await dana.get(f"{MATCHING}/{account}")
    page = await dana.press(page, "Créer le dossier")
    assert (page.status_code, "Créer un nouveau dossier quand même" in buttons(page)) == (409, True)
    assert (await dana.press(page, "quand même")).status_code == 303


async def test_who_is_no_patient_is_told_to_call(
    dana: Browser, stranger: Browser, world: World
) -> None:
    account = await newcomer(world)
    await stranger.sign_in("zoe@example.com", PASSWORD)
    page = await dana.click(await dana.get(f"{MATCHING}/{account}"), "Ce n’est pas un patient")
    page = await dana.follow(await dana.press(page, "Refuser la demande"))
    assert "La personne est avertie par courriel" in main(page)
    assert "Refusés depuis 30 jours" in main(page)
    said = main(await stranger.open("/"))
    assert "La clinique n’a pas pu relier votre compte à un dossier." in said


async def test_matching_needs_a_patient_of_ours(dana: Browser, world: World) -> None:
    account = await newcomer(world)
    await dana.get(f"{MATCHING}/{account}")
    for patient in ("", "x", str(uuid4())):
        answer = await dana.post(f"{MATCHING}/{account}", {"patient": patient})
        assert answer.status_code == 404


# The account


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("Débloquer", "Le compte est débloqué"),
        ("Envoyer le lien", "est parti à l’adresse du compte"),
        ("Désactiver le compte", "Le compte est désactivé"),
    ],
)
async def test_each_act_is_pressed_done_and_said(
    dana: Browser, world: World, button: str, said: str
) -> None:
    page = await dana.get(at(world.alice, "/compte"))
    page = await dana.follow(await dana.press(page, button))
    assert (heading(page), said in main(page)) == ("Compte portail", True)


async def test_who_is_signed_in_is_out_at_the_next_step(
    dana: Browser, alice: Browser, world: World
) -> None:
    page = await dana.get(at(world.alice, "/compte"))
    assert (await alice.get("/")).status_code == 200
    await dana.press(page, "Tout déconnecter")
    assert (await alice.get("/")).headers["location"].startswith("/connexion")


async def test_a_disabled_account_is_enabled_again(dana: Browser, world: World) -> None:
    page = await dana.get(at(world.alice, "/compte"))
    page = await dana.follow(await dana.press(page, "Désactiver le compte"))
    again = await dana.post(at(world.alice, "/compte/desactivation"))
    assert again.status_code == 409
    page = await dana.follow(await dana.press(page, "Réactiver le compte"))
    assert "Le compte est de nouveau actif." in main(page)


async def test_a_new_address_shows_its_code_once(dana: Browser, world: World) -> None:
    page = await dana.get(at(world.alice, "/compte/courriel"))
    refused = await dana.press(page, "Préparer", {"courriel": "neuve@example.com"})
    assert (refused.status_code, values(refused)["courriel"]) == (422, "neuve@example.com")
    typed = {"courriel": "neuve@example.com", "identite": "oui"}
    answer = await dana.press(page, "Préparer", typed)
    (code,) = re.findall(r"\b\d{3} \d{3}\b", main(answer))
    assert answer.headers["cache-control"] == "no-store"
    page = await dana.get(at(world.alice, "/compte"))
    assert (code in page.text, "neuve@example.com" in main(page)) == (False, True)


async def test_an_address_that_is_taken_is_said_so(dana: Browser, world: World) -> None:
    page = await dana.get(at(world.alice, "/compte/courriel"))
    typed = {"courriel": "charlie@example.com", "identite": "oui"}
    answer = await dana.press(page, "Préparer", typed)
    assert answer.status_code == 422
    assert "Cette adresse sert déjà à un autre compte" in alert(answer)


async def test_no_route_of_the_clinics_side_sets_another_accounts_password(
    dana: Browser, world: World, desk: StaffScene
) -> None:
    """R22: whatever a form sends along, no patient's password is another than before."""
    hashes = await db.fetch("SELECT id, password_hash FROM account ORDER BY id")
    await dana.get(PATIENTS)
    for route in STAFF:
        if route.method != "POST" or not route.right or route.handler in SIGNING:
            continue
        sent = dict.fromkeys(PASSWORD_FIELDS, "Gélinotte*58brume")
        await dana.post(desk.url(route), desk.data(route) | sent)
    assert await db.fetch("SELECT id, password_hash FROM account ORDER BY id") == hashes
    for route in STAFF:
        if route.method == "GET" and "{patient}" in route.path and route.right == "patients":
            fields = elements(await dana.get(desk.url(route)), "input")
            assert [e for e in fields if e.attrs.get("type") == "password"] == []


SIGNING = {"leave_work", "stay_at_work", "end_my_devices", "change_staff_password"}
PASSWORD_FIELDS = (
    "mot_de_passe",
    "confirmation",
    "password",
    "password_hash",
    "nouveau",
    "ancien",
)
