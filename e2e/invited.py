"""What someone does whom the clinic invited: a mail in the mailbox, a code in hand."""

import secrets
from dataclasses import dataclass

from domain.accounts import invitations
from domain.accounts.passwords import Passwords
from domain.audit import Actor
from domain.demo.data.people import PASSWORD
from domain.links import Links
from e2e.newcomer import field
from e2e.patient import Patient

DENIS = "ouellet.denis@example.com"


@dataclass(frozen=True)
class Invitation:
    link: str
    code: str

    @property
    def wrong_code(self) -> str:
        return f"{(int(self.code) + 1) % 10**6:06}"


def is_invited(denis: Patient, email: str = DENIS) -> Invitation:
    """By the clinic's staff; the link is the one that his mail brings."""
    portal = denis.portal
    patient = portal.run(invitations.patient_named("Denis Ouellet"))
    # An account of that address comes after its invitation: to one that is there, none is sent.
    hide, show = "'-' || email_canonical", "ltrim(email_canonical, '-')"
    portal.change(f"UPDATE account SET email_canonical = {hide} WHERE email = ?", email)
    code = portal.run(
        invitations.invite(
            patient,
            email,
            denis.device.language,
            Actor("staff", None, secrets.token_hex(8)),
            links=Links(portal.settings.keys),
            passwords=Passwords(),
            now=portal.clock(),
        )
    )
    portal.change(f"UPDATE account SET email_canonical = {show} WHERE email = ?", email)
    (mail,) = [mail for mail in portal.run_jobs() if mail.to == email]
    return Invitation(mail.links()[denis.says("Activer votre compte")], code)


def fills_in(denis: Patient, code: str) -> None:
    field(denis, "Code de la clinique").fill(code)
    field(denis, "Mot de passe").fill(PASSWORD)
    field(denis, "Confirmez le mot de passe").fill(PASSWORD)


def answers(denis: Patient, code: str) -> None:
    fills_in(denis, code)
    denis.main.get_by_role("button", name=denis.says("Connexion"), exact=True).click()
