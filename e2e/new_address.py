"""What someone does to sign in with another address: two mailboxes, one code, one link."""

import re
from dataclasses import dataclass

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.newcomer import field
from e2e.patient import Patient

NEW = "heather@nouveau.example"


@dataclass(frozen=True)
class Mailed:
    link: str
    code: str

    @property
    def wrong_code(self) -> str:
        return f"{(int(self.code) + 1) % 10**6:06}"


def asks(heather: Patient, email: str = NEW) -> None:
    heather.opens("/")
    words = f"{heather.says('modifier')} {heather.says('le courriel')}"
    heather.page.get_by_role("link", name=words).click()
    heather.sees("Modifier votre courriel")
    fills_in(heather, email)
    heather.sees("Il reste à confirmer votre courriel")


def fills_in(heather: Patient, email: str = NEW) -> None:
    field(heather, "Mot de passe").fill(PASSWORD)
    field(heather, "Courriel").fill(email)
    field(heather, "Confirmez le courriel").fill(email)
    heather.presses("Sauvegarder")


def reads_both_mailboxes(heather: Patient, email: str = NEW) -> Mailed:
    mails = {mail.to: mail for mail in heather.portal.run_jobs()}
    code = re.search(r"^\d{6}$", mails[HEATHER.email].text, re.MULTILINE)
    assert code is not None
    (link,) = [url for url in mails[email].links().values() if "/changement-courriel/" in url]
    return Mailed(link, code[0])


def types_the_code(on: Patient, code: str) -> None:
    field(on, "Code d’activation").fill(code)
    on.presses("Modifier le courriel")
