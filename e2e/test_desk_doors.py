"""A clinic opens its side: the first administrator by a link, then a colleague by theirs."""

import pytest

from e2e.browsing import Device
from e2e.conftest import Open
from e2e.desk_doors import (
    GUS,
    INSTALLED,
    WRONG,
    answers_the_step,
    comes_to_work,
    enrols,
    fills_in_a_colleague,
    installs,
    is_made_administrator,
    is_offered_codes,
    leaves,
    types_the_password,
)
from e2e.staff import ADMINISTRATOR, at_work
from e2e.two_steps import types

ZOE = "zoe@example.com"


def test_an_administrator_comes_in_by_a_link_and_lets_in_a_secretary(
    open_browser: Open, device: Device
) -> None:
    gus, zoe = open_browser(device), open_browser(device)
    if device.language == "en":
        gus.has_chosen_the_language()
        zoe.has_chosen_the_language()
    application = enrols(gus, is_made_administrator(gus))
    gus.sees("Aujourd’hui")
    leaves(gus)
    comes_to_work(gus, application)
    gus.sees("Aujourd’hui")

    gus.opens("/clinique/personnel")
    gus.sees("Personnel")
    gus.presses("Ajouter une personne")
    gus.sees("Ajouter une personne")
    gus.main.get_by_role("button", name=gus.says("Ajouter"), exact=True).click()
    gus.is_warned("Inscrivez le prénom.")
    fills_in_a_colleague(gus, ZOE)
    gus.main.get_by_role("button", name=gus.says("Ajouter"), exact=True).click()
    gus.sees("Personnel")
    gus.reads("Zoé Tremblay")
    gus.reads("Invité")

    (mail,) = [mail for mail in zoe.portal.run_jobs() if mail.to == ZOE]
    link = next(url for url in mail.links().values() if "/activation/" in url)
    hers = enrols(zoe, link)
    zoe.sees("Aujourd’hui")
    zoe.opens(link)
    zoe.sees("Ce lien ne fonctionne plus")
    zoe.opens("/clinique/personnel")
    zoe.sees("Accès refusé")

    gus.opens("/clinique/personnel")
    gus.presses("Zoé Tremblay")
    gus.sees("Zoé Tremblay")
    gus.presses("Désactiver")
    gus.reads("Cette personne n’a plus accès à l’espace clinique.")
    zoe.opens("/clinique")
    zoe.sees("Connexion à l’espace clinique")
    types_the_password(zoe, ZOE)
    zoe.is_warned(WRONG)
    assert hers.secret


def test_a_forgotten_password_is_chosen_anew_and_the_code_still_asked_for(
    open_browser: Open, device: Device
) -> None:
    gus = open_browser(device)
    if device.language == "en":
        gus.has_chosen_the_language()
    application = enrols(gus, is_made_administrator(gus))
    gus.sees("Aujourd’hui")
    leaves(gus)
    gus.presses("Mot de passe oublié ?")
    gus.sees("Mot de passe oublié")
    gus.page.get_by_label(gus.says("Courriel")).fill(GUS)
    gus.presses("Réinitialiser le mot de passe")
    gus.sees("Vérifiez votre boîte courriel")
    mails = [mail for mail in gus.portal.run_jobs() if mail.to == GUS]
    link = next(url for m in mails for url in m.links().values() if "/reinitialisation/" in url)
    gus.opens(link)
    gus.sees("Choisissez un nouveau mot de passe")
    for name in ("mot_de_passe", "confirmation"):
        gus.page.locator(f"#{name}").fill("Gélinotte*58brume")
    gus.control("Continuer").click()
    gus.sees("Code de validation")
    types(gus, application.code())
    gus.control("Connexion").click()
    gus.sees("Aujourd’hui")
    gus.opens("/clinique/mon-compte")
    gus.sees("Mon compte")


def test_the_demonstration_shows_the_codes(open_browser: Open, device: Device) -> None:
    paul = open_browser(device)
    if device.language == "en":
        paul.has_chosen_the_language()
    types_the_password(paul, ADMINISTRATOR.email)
    paul.sees("Code de validation")
    shown = paul.main.get_by_role("listitem").filter(has_text=ADMINISTRATOR.email)
    types(paul, shown.locator(".key").inner_text())
    paul.control("Connexion").click()
    paul.sees("Aujourd’hui")
    at_work(paul, ADMINISTRATOR)


@pytest.mark.phone_alone
def test_an_empty_installation_becomes_a_clinic_that_can_be_booked(
    open_browser: Open, device: Device
) -> None:
    gus = open_browser(device)
    if device.language == "en":
        gus.has_chosen_the_language()
    installs(gus, up_to=7)
    gus.sees("Le premier administrateur")
    answers_the_step(gus, INSTALLED[-1])
    gus.sees("Activez votre accès")
    application = is_offered_codes(gus)
    types(gus, application.code())
    gus.presses("Activer et me connecter")
    gus.sees("Premiers pas")
    gus.presses("Envoyer un courriel d’essai")
    gus.reads("Le courriel d’essai part.")
    sent = [mail.to for mail in gus.portal.run_jobs()]
    assert GUS in sent
    gus.opens("/clinique/premiers-pas")
    gus.reads("Le serveur a accepté le dernier courriel d’essai")
    free = "SELECT count(*) FROM slot s JOIN practitioner p ON p.id = s.practitioner"
    named = " WHERE p.first_name = 'Zoé' AND p.last_name = 'Roy'"
    assert gus.portal.value(free + named) > 1000
