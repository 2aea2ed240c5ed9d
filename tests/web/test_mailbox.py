"""The demonstration's mailbox shows a mail as it is, and trusts nothing in it."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from domain.links import Links
from domain.mail import outbox
from jobs.deliver_mail import deliver_mail
from jobs.maildir import MaildirMailer
from jobs.office import PostOffice
from tests.web.browser import SETTINGS, Browser, Clock, links, main, running, title
from tests.world import World
from web.rendering import Renderer


async def mailbox(world: World, folder: Path) -> Browser:
    """Open where one mail has arrived."""
    settings = replace(SETTINGS, is_demo=True, data_dir=folder)
    mailer = MaildirMailer(settings.mailbox, lambda: world.now)
    office = PostOffice(settings, Links(settings.keys), Renderer(), mailer)
    visit = await world.appointment(world.now + timedelta(hours=60))
    await outbox.post(
        "appointment_confirmable", world.alice_account, now=world.now, appointment=visit, version=1
    )
    assert await deliver_mail(office, now=world.now) == 1
    return Browser(running(Clock(world.now), settings))


async def test_a_mail_is_listed_and_opened(world: World, tmp_path: Path) -> None:
    browser = await mailbox(world, tmp_path)
    page = await browser.get("/courriels")
    (address,) = [href for words, href in links(page).items() if "Veuillez confirmer" in words]
    page = await browser.get(address)
    assert "Veuillez confirmer votre rendez-vous" in title(page)
    assert "Ce rendez-vous ne peut être annulé après le" in main(page)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert f'<iframe class="mail" src="{address}/contenu"' in page.text


async def test_a_mail_is_framed_with_its_own_style_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    browser = await mailbox(world, tmp_path)
    page = await browser.get("/courriels")
    (address,) = [href for href in links(page).values() if href.startswith("/courriels/")]
    mail = await browser.get(f"{address}/contenu")
    (style,) = re.findall("<style>(.*?)</style>", mail.text, re.DOTALL)
    policy = mail.headers["content-security-policy"]
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}';")
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert mail.headers["x-frame-options"] == "SAMEORIGIN"
    assert '<base target="_top">' in mail.text


async def test_the_button_in_the_framed_mail_works(world: World, tmp_path: Path) -> None:
    browser = await mailbox(world, tmp_path)
    page = await browser.get("/courriels")
    (address,) = [href for href in links(page).values() if href.startswith("/courriels/")]
    mail = await browser.get(f"{address}/contenu")
    page = await browser.get(urlsplit(links(mail)["Confirmer le rendez-vous"]).path)
    assert title(page).startswith("Confirmer le rendez-vous")


async def test_an_unknown_mail_is_not_found(world: World, tmp_path: Path) -> None:
    browser = await mailbox(world, tmp_path)
    for key in ("nothing", "..", "%2e%2e%2fportal.sqlite"):
        assert (await browser.get(f"/courriels/{key}/contenu")).status_code == 404


async def test_a_real_portal_has_no_mailbox(world: World) -> None:
    browser = Browser(running(Clock(world.now)))
    assert (await browser.get("/courriels")).status_code == 404
