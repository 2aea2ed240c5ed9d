"""A browser of someone who works at the clinic."""

from uuid import UUID

from domain.staff import sessions
from tests.web.browser import SETTINGS, Browser
from tests.world import World
from web.gate import Gate
from web.security import form_token


async def at_work(app: Gate, world: World, member: UUID) -> Browser:
    """Signed in, without the form."""
    token = await sessions.begin(member, device="", now=world.now)
    browser = Browser(app)
    browser.http.cookies.set("__Host-staff", token, domain="portail.example")
    browser.token = form_token(SETTINGS.keys[0], token)
    return browser
