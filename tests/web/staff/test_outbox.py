"""« Courriels »: what did not arrive, and what to do about each."""

from datetime import timedelta

from domain import db
from domain.people.tables import Account
from tests.web.browser import Browser, alert, links, main
from tests.web.staff.mailroom import dead_mail
from tests.web.state import journal
from tests.world import World

OUTBOX = "/clinique/courriels"


async def test_each_mail_says_why_and_what_to_do_without_its_address(
    dana: Browser, world: World
) -> None:
    await dead_mail(world, kind="appointment_booked")
    page = await dana.get(OUTBOX)
    assert "Alice Gagnon – Rendez-vous pris" in main(page)
    assert "Cette adresse n’existe pas. Appelez le patient, puis corrigez l’adresse." in main(page)
    assert ("a***@example.com" in page.text, "alice@example.com" in page.text) == (True, False)
    assert links(page)["Corriger l’adresse"] == f"/clinique/patients/{world.alice}/compte/courriel"
    (line,) = await journal("read.staff.outbox")
    assert line["patient"] == world.alice


async def test_an_address_is_corrected_where_that_can_be_done(dana: Browser, world: World) -> None:
    """Finding B2: at the account's own chart, though the mail was about another's."""
    account = f"/clinique/patients/{world.alice}/compte/courriel"
    await dead_mail(world, facts=f'{{"patient": "{world.bob}"}}')
    page = await dana.get(OUTBOX)
    assert links(page)["Corriger l’adresse"] == account
    assert (await dana.get(account)).status_code == 200
    await db.fetch(
        "UPDATE proxy_grant SET withdrawn_at = {} WHERE relationship = 'self'", world.now
    )
    await Account.update({Account.undeliverable_at: world.now}).where(
        Account.id == world.alice_account
    )
    page = await dana.get(OUTBOX)
    assert "Corriger l’adresse" not in links(page)
    assert main(page).count("la personne la change elle-même") == 2


async def test_a_mail_is_sent_again_or_settled(dana: Browser, world: World) -> None:
    await dead_mail(world)
    page = await dana.get(OUTBOX)
    sent = [await dana.press(page, "Renvoyer") for _ in range(2)]
    assert "sera renvoyé" in main(await dana.follow(sent[1]))
    await dead_mail(world)
    page = await dana.get(OUTBOX)
    settled = await dana.follow(await dana.press(page, "C’est réglé"))
    assert "arrivés à bon port" in main(settled)
    for act in ("renvoi", "traite"):
        assert (await dana.post(f"{OUTBOX}/{world.alice}/{act}")).status_code == 404


async def test_a_server_away_and_addresses_that_refuse_are_told(
    dana: Browser, world: World
) -> None:
    at = world.now - timedelta(hours=3)
    await dead_mail(world, "SMTPConnectError", at=at, dead_at=None, tries=0)
    await Account.update({Account.undeliverable_at: at}).where(Account.id == world.alice_account)
    page = await dana.get(OUTBOX)
    assert "ne répond pas, depuis 3 heures au moins" in alert(page)
    assert "Un courriel attend d’être envoyé, depuis 3 heures." in main(page)
    assert "Adresses qui refusent les courriels" in main(page)


async def test_pages_go_on_and_odd_cursors_are_an_empty_page(dana: Browser, world: World) -> None:
    for hours in range(51):
        await dead_mail(world, at=world.now - timedelta(hours=hours))
    page = await dana.get(OUTBOX)
    last = await dana.get(links(page)["Page suivante"])
    assert links(last)["Revenir au début"] == OUTBOX
    assert (await dana.get(f"{OUTBOX}?apres=x")).status_code == 200
