"""What a member does to come in: forms, codes and mailed links."""

from datetime import timedelta

import httpx
import pyotp

from domain.links import Links
from domain.mail import delivery
from domain.staff import letters
from domain.staff.letters import StaffLetter
from tests.web.browser import SETTINGS, Browser, Clock, elements, heading
from tests.world import PASSWORD, STAFF_SECRET

SIGN_IN = "/clinique/connexion"
DANA = "dana@clinique.example"
NEW = "Gélinotte*58brume"
STEP = timedelta(seconds=30)
LINKS = Links(SETTINGS.keys)


def code_at(clock: Clock, *, steps: int = 0, secret: str = STAFF_SECRET) -> str:
    return pyotp.TOTP(secret).at(clock.now + steps * STEP)


def fresh_code(clock: Clock, secret: str = STAFF_SECRET) -> str:
    """Half a minute passes before it is looked at."""
    clock.now += STEP
    return code_at(clock, secret=secret)


async def first_step(
    browser: Browser, email: str = DANA, password: str = PASSWORD, onward: str = "/clinique"
) -> httpx.Response:
    """The answer to the password, as from the same browser the next morning."""
    if "__Host-staff" in browser.http.cookies:
        browser.http.cookies.delete("__Host-staff")
    await browser.get(SIGN_IN)
    form = {"courriel": email, "mot_de_passe": password, "suivant": onward}
    return await browser.post(SIGN_IN, form)


async def sign_in(
    browser: Browser, clock: Clock, email: str = DANA, password: str = PASSWORD
) -> httpx.Response:
    page = await browser.follow(await first_step(browser, email, password))
    assert heading(page) == "Code de validation"
    return await browser.press(page, "Connexion", {"code": fresh_code(clock)})


async def is_at_work(browser: Browser) -> bool:
    return (await browser.get("/clinique/mon-compte")).status_code == 200


async def owed(clock: Clock) -> list[StaffLetter]:
    """The mails to the staff that would leave now."""
    taken = []
    for letter in sorted(
        await delivery.lease(100, now=clock.now), key=lambda each: each.created_at
    ):
        await delivery.mark_sent(letter, now=clock.now)
        if letter.kind in letters.KINDS:
            composed = await letters.compose(letter, links=LINKS, now=clock.now)
            taken += [composed] if composed else []
    return taken


async def enrol(browser: Browser, clock: Clock, path: str) -> tuple[httpx.Response, str]:
    """The answer to the first code, and the application's secret."""
    page = await browser.open(path)
    new = {"mot_de_passe": NEW, "confirmation": NEW}
    offer = await browser.press(page, "Continuer", new)
    secret = secret_of(offer)
    code = code_at(clock, secret=secret)
    return await browser.press(offer, "Activer", {"code": code}), secret


def secret_of(page: httpx.Response) -> str:
    (key,) = [e.text for e in elements(page, "b") if e.attrs.get("class") == "key"]
    return key.replace(" ", "")
