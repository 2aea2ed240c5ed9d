"""What someone does to sign in in two steps, with an application that makes codes."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pyotp

from domain.accounts.secret_box import SecretBox
from domain.demo.data.people import HEATHER, PASSWORD
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = timedelta(seconds=30)


@dataclass(frozen=True)
class Application:
    """On the person's phone."""

    portal: Portal
    secret: str

    def code(self) -> str:
        """A new one: half a minute passes before it is looked at."""
        self.portal.clock.now += STEP
        return pyotp.TOTP(self.secret).at(self.portal.clock.now)


def has_two_steps(portal: Portal, email: str = HEATHER.email) -> Application:
    """As if switched on some time ago."""
    account = UUID(str(portal.value("SELECT id FROM account WHERE email = ?", email)))
    now = portal.clock()
    sealed = SecretBox(portal.settings.keys).seal(account, SECRET, now=now)
    portal.change(
        "UPDATE account SET totp_secret = ?, totp_since = ? WHERE email = ?",
        sealed,
        str(now - timedelta(days=20)),
        email,
    )
    return Application(portal, SECRET)


def is_offered(on: Patient) -> Application:
    on.opens("/compte/validation")
    field(on, "Mot de passe").fill(PASSWORD)
    on.presses("Continuer")
    on.sees("Activer la validation en deux étapes")
    return Application(on.portal, on.main.locator(".key").inner_text().replace(" ", ""))


def switches_on(on: Patient) -> tuple[Application, list[str]]:
    """The application, and the recovery codes written down."""
    application = is_offered(on)
    types(on, application.code())
    on.presses("Activer")
    on.sees("Vos codes de récupération")
    return application, on.main.locator(".codes li").all_inner_texts()


def is_asked_for_the_code(on: Patient) -> None:
    on.opens("/connexion")
    on.fills_in_the_sign_in_form()
    on.sees("Code de validation")


def types(on: Patient, code: str) -> None:
    field(on, "Code de validation").fill(code)
