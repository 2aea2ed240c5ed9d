"""How someone comes to work at the clinic: by a link, with an application that makes codes."""

from uuid import UUID

from domain.accounts.secret_box import SecretBox
from domain.demo.data.people import PASSWORD
from domain.demo.staff import Colleague
from domain.links import Links
from domain.staff import personnel
from domain.staff.personnel import Form
from domain.staff.roles import Role
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.two_steps import Application, types
from web.first_run import browser_path

SIGN_IN = "/clinique/connexion"
WRONG = (
    "Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement de notre système."
)
WRONG_CODE = (
    "Ce code n’est pas le bon, ou il a déjà servi."
    " Attendez que votre application en affiche un nouveau."
)
OVER = "Trop de temps a passé depuis le mot de passe, ou il a été changé."
CHANGED = "Quelqu’un d’autre a enregistré un changement ici depuis que vous avez ouvert cette page."
INSTALLED = [
    {
        "nom": "Clinique des Érables",
        "adresse": "1, rue du Lac, Laval (Québec) H7A 1A1",
        "telephone": "514 555-0142",
        "courriel": "info@example.com",
    },
    {},
    {"rue": "1, rue du Lac", "ville": "Laval", "code_postal": "H7A 1A1"},
    {
        "prenom": "Zoé",
        "nom_famille": "Roy",
        "specialite": "Médecine de famille",
        "specialite_en": "Family medicine",
        "type": "Suivi",
        "type_en": "Follow-up",
    },
    {},
    {},
    {"admin_prenom": "Gus", "admin_nom": "Côté", "admin_courriel": "gus@example.com"},
]
"""What is typed at each step of the installation."""
GUS = "gus@example.com"


def is_made_administrator(on: Patient) -> str:
    """As `portal admin --another` does; the link that it shows."""
    language = on.device.language
    form = Form("Gus", "Côté", GUS, Role.ADMINISTRATOR, langue=language)
    made = personnel.from_console(
        form, is_another=True, links=Links(on.portal.settings.keys), now=on.portal.clock()
    )
    return str(on.portal.run(made))


def chooses_a_password(on: Patient) -> None:
    for label in ("Mot de passe", "Confirmez le mot de passe"):
        field(on, label).fill(PASSWORD)
    on.control("Continuer").click()


def is_offered_codes(on: Patient) -> Application:
    chooses_a_password(on)
    on.sees("Préparez vos codes de validation")
    return Application(on.portal, on.main.locator(".key").inner_text().replace(" ", ""))


def enrols(on: Patient, link: str) -> Application:
    on.opens(link)
    on.sees("Activez votre accès")
    application = is_offered_codes(on)
    types(on, application.code())
    on.presses("Activer et me connecter")
    return application


def types_the_password(on: Patient, email: str = GUS, password: str = PASSWORD) -> None:
    on.opens(SIGN_IN)
    is_asked_who_it_is(on, email, password)


def is_asked_who_it_is(on: Patient, email: str, password: str = PASSWORD) -> None:
    on.sees("Connexion à l’espace clinique")
    field(on, "Courriel").fill(email)
    field(on, "Mot de passe").fill(password)
    on.presses("Continuer")


def comes_to_work(on: Patient, application: Application, email: str = GUS) -> None:
    on.opens(SIGN_IN)
    signs_in_where_asked(on, application, email)


def signs_in_where_asked(on: Patient, application: Application, email: str) -> None:
    is_asked_who_it_is(on, email)
    on.sees("Code de validation")
    types(on, application.code())
    on.control("Connexion").click()


def application_of(portal: Portal, colleague: Colleague) -> Application:
    """Which one of the demonstration's staff has had all along."""
    row = "SELECT {} FROM staff_member WHERE email = ?"
    member = UUID(portal.value(row.format("id"), colleague.email))
    sealed = portal.value(row.format("totp_secret"), colleague.email)
    secret = SecretBox(portal.settings.keys).open(member, sealed)
    assert secret
    return Application(portal, secret)


def leaves(on: Patient) -> None:
    if on.device.is_phone:
        on.page.get_by_text("Menu", exact=True).click()
    on.presses("Déconnexion")
    on.sees("Connexion à l’espace clinique")


def fills_in_a_colleague(on: Patient, email: str) -> None:
    for label, value in [("Prénom", "Zoé"), ("Nom", "Tremblay"), ("Courriel", email)]:
        field(on, label).fill(value)
    on.page.locator("input[name=role][value=secretary]").check()


def has_no_clinic_yet(on: Patient) -> str:
    """The link that the server shows when it starts."""
    for table in ("staff_session", "staff_link", "staff_member", "terms_acceptance"):
        on.portal.change(f"DELETE FROM {table}")
    on.portal.change("DELETE FROM clinic")
    for table in ("terms_version", "disclaimer_version"):
        on.portal.change(f"DROP TRIGGER {table}_kept_delete")  # back with the story's next copy
        on.portal.change(f"DELETE FROM {table}")
    return browser_path(Links(on.portal.settings.keys), on.portal.clock())


def installs(on: Patient, *, up_to: int) -> None:
    """To this step of the seven."""
    on.opens(has_no_clinic_yet(on))
    for typed in INSTALLED[: up_to - 1]:
        answers_the_step(on, typed)


def answers_the_step(on: Patient, typed: dict[str, str]) -> None:
    if on.page.locator("#province").count():
        on.page.locator("#province").select_option("QC")
    for name, value in typed.items():
        on.page.locator(f"#{name}").fill(value)
    on.main.locator(".btn-primary").click()
    on.page.wait_for_load_state()
