"""`/clinique/patients/…/acces` and « Âge de consentement », as a secretary uses them."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.people.tables import Patient
from tests.databases import statements
from tests.web.browser import Browser, alert, elements, forms, heading, main, title, without_keys
from tests.web.staff.helpers import blocked, helper
from tests.web.staff.scene import StaffScene
from tests.web.state import journal, rows
from tests.world import World
from web.gate import Gate

XSS = "<script>alert(1)</script>"


@pytest.fixture
async def denis(world: World) -> UUID:
    """The account of someone with a chart."""
    account = await world.account("denis@example.com")
    own = await world.patient("Denis", "Ouellet", date(1960, 1, 1))
    await world.grant(account, own, relationship="self")
    return account


def at(patient: UUID, rest: str = "") -> str:
    return f"/clinique/patients/{patient}/acces{rest}"


def checked(page: object) -> set[str]:
    """The names of what is ticked or chosen."""
    return {
        f"{e.attrs['name']}={e.attrs['value']}"
        for e in elements(page, "input")  # type: ignore[arg-type]
        if "checked" in e.attrs
    }


async def grant_of(patient: UUID, account: UUID) -> UUID:
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE patient = {} AND account = {} AND withdrawn_at IS NULL",
        patient,
        account,
    )
    found: UUID = row["id"]
    return found


async def test_a_child_is_attached_from_search_to_the_parents_next_page(
    dana: Browser, world: World, denis: UUID, app: Gate
) -> None:
    found = await dana.get(at(world.bob, "/nouveau?q=ouellet"))
    form = await dana.click(found, "Choisir")
    assert checked(form) == {
        f"{name}=oui" for name in ("rendez_vous", "factures", "documents", "messages", "ecrire")
    }
    chosen = {"lien": "guardian", "rendez_vous": "oui", "documents": "oui"}
    answer = await dana.press(form, "Donner l’accès", chosen)
    assert answer.headers["location"] == at(world.bob, "?fait=acces")
    shown = main(await dana.get(answer.headers["location"]))
    assert "Denis Ouellet Tuteur ou tutrice" in shown
    assert "Rendez-vous, Documents Depuis le 23 novembre 2026, par Dana Fortin" in shown
    parent = Browser(app)
    await parent.sign_in("denis@example.com")
    assert (await parent.get(f"/profils/{world.bob}/rendez-vous")).status_code == 200
    assert (await parent.get(f"/profils/{world.bob}/factures")).status_code == 403


async def test_detached_it_is_gone_at_the_next_request(
    dana: Browser, alice: Browser, world: World
) -> None:
    grant = await grant_of(world.bob, world.alice_account)
    asked = await dana.get(at(world.bob, f"/{grant}/retrait"))
    assert "Alice Gagnon" in main(asked)
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous")).status_code == 200
    for _ in range(2):
        answer = await dana.press(asked, "Retirer l’accès", {"motif": "clinic"})
        assert answer.headers["location"] == at(world.bob, "?fait=retrait")
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous")).status_code == 404
    (line,) = await journal("access.withdrawn")
    assert (line["outcome"], line["actor"]) == ("done.clinic", world.dana)


async def test_what_is_wrong_is_said_with_all_that_was_chosen_kept(
    dana: Browser, world: World, denis: UUID
) -> None:
    before = await rows()
    form = await dana.get(at(world.alice, f"/nouveau?compte={denis}"))
    assert checked(form) == set()
    typed = {"factures": "oui", "comment": "", "jusqu_au": "2020-01-01"}
    page = await dana.press(form, "Donner l’accès", typed)
    assert (page.status_code, title(page)[:9]) == (422, "Erreur : ")
    assert alert(page) == (
        "Il y a 3 erreurs à corriger Choisissez le lien avec le patient."
        " Notez comment cette personne a donné son accord. Sans lui, l’accès ne peut être donné."
        " Cette date est passée."
    )
    assert checked(page) == {"factures=oui"}
    kept = {e.attrs["name"]: e.attrs.get("value") for e in elements(page, "input")}
    assert (kept["jusqu_au"], kept["compte"]) == ("2020-01-01", str(denis))
    assert await rows() == before
    good = typed | {"lien": "caregiver", "comment": "spoken", "jusqu_au": ""}
    assert (await dana.press(page, "Donner l’accès", good)).status_code == 303


async def test_without_an_account_chosen_the_search_says_so(dana: Browser, world: World) -> None:
    await dana.get(at(world.bob))
    for account in ("", "altered"):
        page = await dana.post(at(world.bob, "/nouveau"), {"compte": account})
        assert (page.status_code, alert(page)) == (
            422,
            "Il y a une erreur à corriger Choisissez d’abord un compte.",
        )
    nobody = await dana.get(at(world.bob, "/nouveau?q=personne@example.com"))
    assert "Aucun compte trouvé." in main(nobody)
    assert (await dana.get(at(world.bob, f"/nouveau?compte={uuid4()}"))).status_code == 404


async def test_an_account_that_has_it_or_is_kept_from_it_is_refused_with_the_reason(
    dana: Browser, world: World, denis: UUID
) -> None:
    form = await dana.get(at(world.bob, f"/nouveau?compte={world.alice_account}"))
    page = await dana.press(form, "Donner l’accès", {"lien": "parent", "rendez_vous": "oui"})
    assert (page.status_code, "a déjà accès" in alert(page)) == (409, True)
    block = await dana.get(at(world.bob, "/blocage"))
    await dana.press(block, "Bloquer", {"qui": "tous", "motif": "Ordonnance"})
    form = await dana.get(at(world.bob, f"/nouveau?compte={denis}"))
    page = await dana.press(form, "Donner l’accès", {"lien": "parent", "rendez_vous": "oui"})
    assert (page.status_code, "Un blocage empêche" in alert(page)) == (409, True)


async def test_the_same_form_twice_gives_once(dana: Browser, world: World, denis: UUID) -> None:
    form = await dana.get(at(world.bob, f"/nouveau?compte={denis}"))
    for _ in range(2):
        answer = await dana.press(form, "Donner l’accès", {"lien": "parent", "messages": "oui"})
        assert answer.status_code == 303
    assert len(await journal("access.granted")) == 1
    other = await dana.press(form, "Donner l’accès", {"lien": "other", "messages": "oui"})
    assert other.status_code == 409


async def test_who_saves_over_another_is_told_and_sees_both(
    dana: Browser, fay: Browser, world: World
) -> None:
    grant = await grant_of(world.bob, world.alice_account)
    form, others = [await each.get(at(world.bob, f"/{grant}")) for each in (dana, fay)]
    assert len(checked(form)) == 5
    await fay.press(others, "Enregistrer", {"documents": "oui"})
    page = await dana.press(form, "Enregistrer", {"factures": "oui"})
    assert page.status_code == 409
    assert "Fay Blais, le 23 novembre 2026 à 10:00" in alert(page)
    assert "Ce qui est enregistré maintenant : Documents" in alert(page)
    assert checked(page) == {"factures=oui"}
    (form,) = [each for each in forms(page) if each.action == at(world.bob, f"/{grant}")]
    assert form.fields["vu"] == "read_documents"
    assert (await dana.press(page, "Enregistrer", {"factures": "oui"})).status_code == 303
    shown = main(await dana.get(at(world.bob)))
    assert "alice@example.com Factures Depuis" in shown


async def test_after_coming_of_age_an_access_opens_again_by_an_agreement_alone(
    dana: Browser, alice: Browser, world: World
) -> None:
    hugo = await world.patient("Hugo", "Gagnon", date(2005, 5, 2))
    grant = await world.grant(world.alice_account, hugo)
    assert "Accès terminé : accord à noter" in main(await dana.get(at(hugo)))
    form = await dana.get(at(hugo, f"/{grant}"))
    all_of_it = dict.fromkeys(("rendez_vous", "factures", "documents", "messages", "ecrire"), "oui")
    await dana.press(form, "Enregistrer", all_of_it)
    assert (await alice.get(f"/profils/{hugo}/rendez-vous")).status_code == 403
    await dana.press(form, "Enregistrer", all_of_it | {"comment": "written"})
    assert (await alice.get(f"/profils/{hugo}/rendez-vous")).status_code == 200
    shown = main(await dana.get(at(hugo)))
    assert "Accord écrit, noté par Dana Fortin le 23 novembre 2026" in shown
    form = await dana.get(at(hugo, f"/{grant}"))
    ending = next(each for each in forms(form) if each.action.endswith("/accord/fin"))
    assert (await dana.post(ending.action)).status_code == 303
    assert (await alice.get(f"/profils/{hugo}/rendez-vous")).status_code == 403


async def test_another_patients_or_an_own_access_is_not_edited(dana: Browser, world: World) -> None:
    grant = await grant_of(world.bob, world.alice_account)
    own = await grant_of(world.alice, world.alice_account)
    for path in (f"/{grant}", f"/{own}", f"/{uuid4()}", f"/{uuid4()}/retrait"):
        assert (await dana.get(at(world.alice, path))).status_code == 404
    for path in (f"/{grant}", f"/{grant}/retrait", f"/{grant}/accord/fin", f"/blocage/{uuid4()}"):
        assert (await dana.post(at(world.alice, path), {"rendez_vous": "oui"})).status_code == 404
    assert (await dana.get(at(uuid4()))).status_code == 404


async def test_a_block_is_seen_by_the_staff_and_felt_by_the_parent_at_once(
    dana: Browser, alice: Browser, world: World
) -> None:
    form = await dana.get(at(world.bob, "/blocage"))
    wrong = await dana.press(form, "Bloquer", {"qui": str(world.alice_account), "motif": " "})
    assert (wrong.status_code, alert(wrong)) == (
        422,
        "Il y a une erreur à corriger Écrivez pourquoi : vos collègues doivent le savoir.",
    )
    assert f"qui={world.alice_account}" in checked(wrong)
    for _ in range(2):
        answer = await dana.press(wrong, "Bloquer", {"qui": str(world.alice_account), "motif": XSS})
        assert answer.headers["location"] == at(world.bob, "?fait=blocage")
    page = await dana.get(at(world.bob))
    assert XSS in main(page)
    assert XSS not in page.text
    assert "Accès bloqué" in main(page)
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous")).status_code == 404
    dashboard = without_keys(await alice.get("/"))
    assert "Bob" not in dashboard
    assert "bloqu" not in dashboard
    lifting = await dana.click(page, "Lever le blocage")
    await dana.press(lifting, "Lever le blocage")
    assert "Accès bloqué" not in main(await dana.get(at(world.bob)))
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous")).status_code == 404


async def test_the_other_parent_reads_in_the_journal_no_more_than_a_withdrawal(
    dana: Browser, world: World, app: Gate
) -> None:
    await world.grant(await world.account("denis@example.com"), world.bob)
    form = await dana.get(at(world.bob, "/blocage"))
    await dana.press(form, "Bloquer", {"qui": str(world.alice_account), "motif": "MREASON"})
    other = Browser(app)
    await other.sign_in("denis@example.com")
    page = await other.get(f"/profils/{world.bob}/profil/journal")
    assert "A retiré un accès au profil" in main(page)
    assert "bloqu" not in page.text
    assert "changé qui peut" not in page.text
    assert "MREASON" not in page.text + (await other.get("/")).text


async def test_each_page_leaves_a_line_for_each_patient_that_it_shows(
    dana: Browser, world: World, desk: StaffScene
) -> None:
    await dana.get(at(world.alice))
    lines = await journal("read.staff.access")
    assert {line["patient"] for line in lines} == {world.alice, world.bob}
    assert {line["actor"] for line in lines} == {world.dana}
    await dana.get(at(world.bob, "/nouveau?q=dubois"))
    assert {line["patient"] for line in await journal("read.staff.access")} == {
        world.alice,
        world.bob,
        world.charlie,
    }


async def test_names_are_text(dana: Browser, world: World) -> None:
    """A35."""
    await Patient.update({Patient.first_name: XSS}).where(Patient.id == world.alice)
    grant = await grant_of(world.bob, world.alice_account)
    for path in ("", f"/{grant}", f"/{grant}/retrait", "/blocage", "/nouveau?q=alice@example.com"):
        page = await dana.get(at(world.bob, path))
        assert page.status_code == 200
        assert XSS not in page.text
        assert XSS in main(page)


async def test_the_page_costs_the_same_with_one_holder_and_with_many(
    dana: Browser, world: World
) -> None:
    async def cost() -> int:
        with statements() as asked:
            assert (await dana.get(at(world.bob))).status_code == 200
        return len(asked)

    before = await cost()
    for _ in range(8):
        await world.grant(await world.account(f"{uuid4().hex}@example.com"), world.bob)
    assert await cost() == before


async def test_who_comes_of_age_is_listed_with_what_there_is_to_do(
    dana: Browser, world: World
) -> None:
    young = await world.patient("Zoé", "Gagnon", date(2012, 12, 1))
    grant = await world.grant(world.alice_account, young)
    older = await world.patient("Léo", "Gagnon", date(2012, 11, 1))
    await world.grant(world.alice_account, older)
    page = await dana.get("/clinique/majorite")
    assert heading(page) == "Âge de consentement"
    words = main(page)
    assert "Zoé Gagnon 1er décembre 2026 dans 8 jours Alice Gagnon Parent" in words
    assert "À inviter ce jour-là" in words
    assert "Accès terminé" in words
    hrefs = {e.attrs["href"] for e in elements(page, "a")}
    assert {at(young, f"/{grant}"), f"/clinique/patients/{older}/invitation"} <= hrefs
    assert f"/clinique/patients/{young}/invitation" not in hrefs
    assert {line["patient"] for line in await journal("read.staff.coming_of_age")} == {young, older}
    await world.set_clinic(province="ON", consent_age=None)
    assert "n’est pas réglé" in main(await dana.get("/clinique/majorite"))


async def test_helpers_of_the_scene_are_shown(dana: Browser, world: World) -> None:
    await helper(world)
    await blocked(world)
    words = main(await dana.get(at(world.alice)))
    assert "Proche aidant" in words
    assert "Accord de vive voix, noté par accueil" in words
    assert "MREASON" in words
