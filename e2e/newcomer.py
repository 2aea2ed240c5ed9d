"""What someone does who has no account yet."""

from playwright.sync_api import Locator

from domain.demo.data.people import PASSWORD
from e2e.patient import Patient

ZOE = "zoe.tremblay@example.com"


def goes_to_the_form(zoe: Patient) -> None:
    zoe.opens("/connexion")
    zoe.has_chosen_the_language()
    zoe.opens("/connexion")
    zoe.reads("Nouveau sur le portail des patients ?")
    zoe.presses("Créer un compte")
    zoe.sees("Créer un compte")


def fills_in(zoe: Patient, *, email: str = ZOE, year: str = "1989", month: str = "avril") -> None:
    form = {
        "Courriel": email,
        "Confirmez le courriel": email,
        "Prénom": "Zoé",
        "Nom de famille": "Tremblay",
        "Année": year,
        "Mois": month,
        "Jour": "27",
        "Téléphone principal": "5141231234",
    }
    for label, text in form.items():
        field(zoe, label).fill(text)
    types_the_password(zoe)


def types_the_password(zoe: Patient) -> None:
    for label in ("Mot de passe", "Confirmez le mot de passe"):
        field(zoe, label).fill(PASSWORD)


def field(zoe: Patient, label: str) -> Locator:
    """Also when it is said to be required."""
    required = f"{zoe.says(label)} * {zoe.says('obligatoire')}"
    return (
        zoe.main.get_by_label(zoe.says(label), exact=True)
        .or_(zoe.main.get_by_label(required, exact=True))
        .first
    )


def applies(zoe: Patient) -> None:
    goes_to_the_form(zoe)
    fills_in(zoe)
    zoe.presses("Créer un compte")
    zoe.sees("Vérifiez votre boîte courriel")


def mailed_link(zoe: Patient, email: str = ZOE) -> str:
    """Where the newest mail to this address leads."""
    mails = [mail for mail in zoe.portal.run_jobs() if mail.to == email]
    return mails[-1].links()[zoe.says("Activez votre compte")]


def opens_the_mail(zoe: Patient) -> None:
    zoe.opens(mailed_link(zoe))
    zoe.sees("Activez votre compte")


def activates(zoe: Patient) -> None:
    opens_the_mail(zoe)
    field(zoe, "Mot de passe").fill(PASSWORD)
    zoe.presses("Activez votre compte")
    zoe.sees("Connexion")
    zoe.reads("Votre compte est activé.")


def enters(zoe: Patient) -> None:
    zoe.fills_in_the_sign_in_form(ZOE)
    zoe.sees("Termes et conditions")
    zoe.presses("J’ai lu, compris et accepté les Termes et conditions")
    zoe.sees("Tableau de bord")
