"""Unsubscribing from the mails about a profile, by the page and by a mailbox's own button."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.accounts import account_links
from domain.appointments import booking
from domain.links import Links, Purpose, UnsubscribeLink, VisitLink
from domain.mail import delivery, outbox
from domain.mail.tables import OutboundEmail
from jobs import deliver_mail, mails
from jobs.office import PostOffice
from tests.web.browser import (
    HOST,
    SETTINGS,
    Browser,
    Clock,
    alert,
    elements,
    heading,
    main,
    without_keys,
)
from tests.web.state import count, journal, rows
from tests.world import World
from web.rendering import Renderer

LINKS = Links(SETTINGS.keys)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
DEAD = "Ce lien ne fonctionne plus"


def url(world: World, *, account: UUID | None = None, patient: UUID | None = None) -> str:
    link = UnsubscribeLink(account or world.alice_account, patient or world.alice, "appointment")
    return f"/desabonnement/{LINKS.sign_unsubscribe(link, world.now)}"


async def book(world: World) -> UUID:
    slot = await world.slot()
    viewer = await world.viewer()
    return await booking.book(
        viewer, world.alice, world.choices, slot, form_key=str(slot), now=world.now
    )


async def owed() -> list[str]:
    return [mail.kind for mail in await OutboundEmail.objects()]


async def test_a_mailboxes_own_post_needs_neither_cookie_nor_form_token_nor_sign_in(
    stranger: Browser, world: World
) -> None:
    """R86, RFC 8058: from another site, once or twice."""
    headers = {"sec-fetch-site": "cross-site", "origin": "https://mail.example"}
    for _ in range(2):
        answer = await stranger.http.post(url(world), data=ONE_CLICK, headers=headers)
        assert answer.status_code == 200
    assert await count("mail_preference") == 1
    lines = await journal("mail_preferences.changed")
    assert {(line["actor_kind"], line["patient"]) for line in lines} == {("mail_link", world.alice)}


async def test_a_multipart_body_is_as_good(stranger: Browser, world: World) -> None:
    answer = await stranger.http.post(url(world), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert await count("mail_preference") == 1


async def test_looking_changes_nothing(stranger: Browser, world: World) -> None:
    """A44: neither GET, nor HEAD, nor a form sent as it stands."""
    before = await rows()
    for _ in range(3):
        page = await stranger.get(url(world))
        assert (await stranger.http.head(url(world))).status_code == 200
    assert heading(page) == "Ne plus recevoir ces courriels ?"
    sent = await stranger.press(page, "Ne plus recevoir")
    assert (sent.status_code, "Cochez" in alert(sent)) == (422, True)
    assert await rows() == before


async def test_the_page_stops_the_mails_and_offers_them_again(
    stranger: Browser, world: World
) -> None:
    page = await stranger.get(url(world))
    stopped = await stranger.press(page, "Ne plus recevoir", {"reponse": "oui"})
    assert (stopped.status_code, heading(stopped)) == (200, "Ces courriels sont arrêtés")
    assert "session" not in str(stopped.headers.get_list("set-cookie"))
    as_it_stands = await stranger.press(stopped, "Recevoir ces courriels")
    assert as_it_stands.status_code == 422
    assert await count("mail_preference") == 1
    back = await stranger.press(stopped, "Recevoir ces courriels", {"reponse": "oui"})
    assert heading(await stranger.follow(back)) == "Vous recevez de nouveau ces courriels"
    assert await count("mail_preference") == 0


async def test_switching_on_again_is_not_open_to_other_sites(
    stranger: Browser, world: World
) -> None:
    await stranger.http.post(url(world), data=ONE_CLICK)
    before = await rows()
    headers = {"sec-fetch-site": "cross-site"}
    for token in ("", "x"):
        answer = await stranger.http.post(
            f"{url(world)}/retour", data={"reponse": "oui", "_csrf_token": token}, headers=headers
        )
        assert answer.status_code == 403
    assert await rows() == before


async def test_the_page_says_no_more_than_the_mail(stranger: Browser, world: World) -> None:
    await world.appointment(world.now + timedelta(days=3))
    page = await stranger.get(url(world))
    assert "Alice" in main(page)
    for hidden in ("Gagnon", "1985", "Roy", "alice@example.com", "Bob"):
        assert hidden not in without_keys(page)


async def test_after_unsubscribing_the_booked_mail_is_not_sent_and_the_reset_mail_is(
    stranger: Browser, world: World
) -> None:
    """R86, portal 12.1: it can lock nobody out."""
    await stranger.http.post(url(world), data=ONE_CLICK)
    await book(world)
    link = await account_links.issue(world.alice_account, "reset", links=LINKS, now=world.now)
    await outbox.post("password_reset", world.alice_account, now=world.now, link=link)
    assert await owed() == ["password_reset"]
    (letter,) = await delivery.lease(9, now=world.now)
    assert await deliver_mail.compose(letter, links=LINKS, now=world.now) is not None


async def test_a_mail_already_owed_is_dropped_when_it_should_leave(
    stranger: Browser, world: World
) -> None:
    await book(world)
    assert await owed() == ["appointment_booked"]
    await stranger.http.post(url(world), data=ONE_CLICK)
    (letter,) = await delivery.lease(9, now=world.now)
    assert await deliver_mail.compose(letter, links=LINKS, now=world.now) is None


async def test_what_is_refused_for_one_profile_is_still_sent_for_another(
    stranger: Browser, world: World
) -> None:
    await stranger.http.post(url(world, patient=world.bob), data=ONE_CLICK)
    await book(world)
    assert await owed() == ["appointment_booked"]


async def test_a_mail_carries_its_two_headers_and_a_link(stranger: Browser, world: World) -> None:
    """R86; a mail about the account has none of them."""
    await book(world)
    await outbox.post("password_changed", world.alice_account, now=world.now)
    made = {}
    for letter in await delivery.lease(9, now=world.now):
        about = await deliver_mail.compose(letter, links=LINKS, now=world.now)
        assert about is not None
        office = PostOffice(SETTINGS, LINKS, Renderer(), None)  # type: ignore[arg-type]
        made[letter.kind] = mails.message(letter, about, office, now=world.now)
    booked, changed = made["appointment_booked"], made["password_changed"]
    link = str(booked["List-Unsubscribe"])
    assert link.startswith(f"<{HOST}/desabonnement/")
    assert booked["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.strip("<>") in booked.as_bytes().decode().replace("=\n", "").replace("=3D", "=")
    assert [name for name in changed if name.startswith("List-")] == []
    assert "desabonnement" not in changed.as_string()
    answer = await stranger.http.post(link.strip("<>").removeprefix(HOST), data=ONE_CLICK)
    assert answer.status_code == 200


async def test_another_purposes_token_or_an_altered_one_does_nothing(
    stranger: Browser, world: World
) -> None:
    """A42, A44: nobody unsubscribes someone else."""
    visit = await world.appointment(world.now + timedelta(days=3))
    right = url(world).removeprefix("/desabonnement/")
    cancel = LINKS.sign_visit(Purpose.CANCEL, VisitLink(visit, 1, world.alice_account))
    other_key = Links(("x" * 32,)).sign_unsubscribe(
        UnsubscribeLink(world.alice_account, world.alice, "appointment"), world.now
    )
    account_class = LINKS.sign_unsubscribe(
        UnsubscribeLink(world.alice_account, world.alice, "account"), world.now
    )
    not_held = url(world, account=world.charlie_account).removeprefix("/desabonnement/")
    before = await rows()
    for token in (right[:-3], f"x{right}", cancel, other_key, account_class, not_held, "é"):
        shown = await stranger.get(f"/desabonnement/{token}")
        sent = await stranger.http.post(f"/desabonnement/{token}", data=ONE_CLICK)
        assert {(a.status_code, heading(a)) for a in (shown, sent)} == {(410, DEAD)}
    assert await rows() == before


@pytest.mark.parametrize(("days", "status"), [(364, 200), (366, 410)])
async def test_a_link_lives_for_a_year(
    stranger: Browser, world: World, clock: Clock, days: int, status: int
) -> None:
    link = url(world)
    clock.now += timedelta(days=days)
    assert (await stranger.http.post(link, data=ONE_CLICK)).status_code == status


async def test_a_link_about_a_lost_profile_is_dead(stranger: Browser, world: World) -> None:
    """A5, R44."""
    link = url(world, patient=world.bob)
    assert "Bob" in main(await stranger.get(link))
    await world.set_clinic(consent_age=8)
    page = await stranger.get(link)
    assert (page.status_code, heading(page)) == (410, DEAD)
    assert "Bob" not in without_keys(page)


async def test_a_broken_body_is_no_crash(stranger: Browser, world: World) -> None:
    for kind, body in [
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("application/json", b"{"),
        ("text/plain", b"\xff"),
    ]:
        answer = await stranger.http.post(url(world), content=body, headers={"content-type": kind})
        assert answer.status_code < 500
    assert await count("mail_preference") == 0


async def test_the_page_is_in_the_accounts_language(stranger: Browser, world: World) -> None:
    account = await world.account("jane@example.com", language="en")
    await world.grant(account, world.bob)
    page = await stranger.get(url(world, account=account, patient=world.bob))
    assert elements(page, "html")[0].attrs["lang"] == "en-CA"
