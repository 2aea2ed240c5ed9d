"""R35: a text sent after its session had ended is its writer's again, and nobody else's."""

from datetime import timedelta
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from domain.accounts.secret_box import SecretBox
from domain.accounts.tables import Session, TermsVersion
from domain.messages import kept_text
from domain.messages.kept_text import LARGEST, KeptText
from domain.messages.tables import Draft, Message
from domain.people.tables import ProxyGrant
from tests.web.browser import SETTINGS, Browser, Clock, main
from tests.web.test_drafts import bodies, fields, types
from tests.web.test_new_message import WRITTEN, address, value
from tests.world import NOW, PASSWORD, World
from web.gate import Gate

COOKIE = "__Host-text"
BOX = SecretBox(SETTINGS.keys)


async def session_ends() -> None:
    await Session.delete(force=True)


async def sends(browser: Browser, page: httpx.Response, **more: str) -> httpx.Response:
    return await browser.press(page, "Envoyer", WRITTEN | more)


def onward(answer: httpx.Response) -> str:
    parts = urlsplit(answer.headers["location"])
    assert (answer.status_code, parts.path) == (303, "/connexion")
    return parse_qs(parts.query)["suivant"][0]


async def signs_in(
    browser: Browser, answer: httpx.Response, email: str = "alice@example.com"
) -> httpx.Response:
    page = await browser.follow(answer)
    return await browser.follow(
        await browser.press(page, "Connexion", {"courriel": email, "mot_de_passe": PASSWORD})
    )


async def test_a_new_message_sent_too_late_is_there_after_signing_in(
    alice: Browser, world: World
) -> None:
    page = await alice.get(address(world.bob))
    await session_ends()
    refused = await sends(alice, page)
    assert onward(refused) == f"{address(world.bob)}?conserve=1"
    (header,) = [h for h in refused.headers.get_list("set-cookie") if h.startswith(COOKIE)]
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=900"} <= set(
        header.split("; ")
    )
    assert "renouveler" not in header
    again = await signs_in(alice, refused)
    assert "Votre texte a été conservé." in main(again)
    assert (value(again, "texte"), value(again, "sujet")) == (WRITTEN["texte"], WRITTEN["sujet"])
    assert COOKIE not in alice.http.cookies
    sent = await sends(alice, again)
    assert (sent.status_code, await Message.count(), await Draft.count()) == (303, 1, 0)


async def test_a_reply_sent_too_late_is_there_after_signing_in(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Est-ce fait ?", may_answer=True)
    place = f"/profils/{world.alice}/communications/{thread}"
    page = await alice.get(f"{place}?repondre=1")
    await session_ends()
    refused = await alice.press(page, "Envoyer", {"texte": "Oui.", "lu": "oui"})
    assert onward(refused) == f"{place}?repondre=1&conserve=1#reponse"
    again = await signs_in(alice, refused)
    assert "Votre texte a été conservé." in main(again)
    assert value(again, "texte") == "Oui."


async def test_what_is_saved_too_late_is_kept_too(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    refused = await types(alice, page, world.alice, "Bonj")
    assert onward(refused) == f"{address(world.alice)}?conserve=1"
    await signs_in(alice, refused)
    assert await bodies() == ["Bonj"]


async def test_an_idle_session_loses_no_text(alice: Browser, world: World, clock: Clock) -> None:
    """P18."""
    page = await alice.get(address(world.alice))
    clock.now += timedelta(minutes=21)
    again = await signs_in(alice, await sends(alice, page))
    assert value(again, "texte") == WRITTEN["texte"]


async def test_a_form_of_before_another_tab_signed_in_again_loses_no_text(
    alice: Browser, world: World
) -> None:
    """P14: its token is of a dead session; the page comes again with a fresh one."""
    page = await alice.get(address(world.alice))
    await session_ends()
    await alice.sign_in()
    answer = await sends(alice, page)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{address(world.alice)}?conserve=1",
    )
    again = await alice.follow(answer)
    assert value(again, "texte") == WRITTEN["texte"]
    assert (await sends(alice, again)).status_code == 303
    assert await Message.count() == 1


async def test_new_terms_in_between_lose_no_text(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await TermsVersion.insert(
        TermsVersion(
            id=uuid4(), number=2, text_fr="Lisez.", text_en="Read.", published_at=world.now
        )
    )
    answer = await sends(alice, page)
    assert answer.headers["location"].startswith("/conditions?suivant=")
    assert await bodies() == [WRITTEN["texte"]]


async def test_what_was_written_elsewhere_meanwhile_stands(
    alice: Browser, app: Gate, world: World, clock: Clock
) -> None:
    """P18: the newer draft is kept, for the older text was seen by its writer, and this was not."""
    page = await alice.get(address(world.alice))
    await session_ends()
    refused = await sends(alice, page)
    clock.now += timedelta(minutes=1)
    phone = Browser(app)
    await phone.sign_in()
    await types(phone, await phone.get(address(world.alice)), world.alice, "Plus récent")
    clock.now += timedelta(minutes=1)
    again = await signs_in(alice, refused)
    assert value(again, "texte") == "Plus récent"
    assert await bodies() == ["Plus récent"]


async def test_another_who_signs_in_there_gets_nothing(alice: Browser, world: World) -> None:
    """A22: no text is planted under another's account, nor shown to them."""
    page = await alice.get(address(world.alice))
    await session_ends()
    refused = await sends(alice, page)
    await signs_in(alice, refused, "charlie@example.com")
    assert (await bodies(), COOKIE in alice.http.cookies) == ([], False)


async def test_a_form_of_another_account_is_refused_as_before(alice: Browser, world: World) -> None:
    """A22: Alice's form, sent in a browser where Charlie has signed in."""
    page = await alice.get(address(world.alice))
    await session_ends()
    await alice.sign_in("charlie@example.com")
    answer = await sends(alice, page)
    assert (answer.status_code, await bodies()) == (403, [])
    assert COOKIE not in alice.http.cookies


@pytest.mark.parametrize("writer", ["", "x", "alice", str(UUID(int=9))])
async def test_without_our_signature_nothing_is_kept(
    alice: Browser, world: World, writer: str
) -> None:
    page = await alice.get(address(world.alice))
    sent = fields(page) | WRITTEN | {"auteur": writer, "equipe": str(world.team)}
    await session_ends()
    answer = await alice.http.post(address(world.alice), data=sent)
    assert (answer.status_code, COOKIE in alice.http.cookies) == (303, False)
    await alice.sign_in()
    wrong = sent | {"_csrf_token": "0" * 80}
    assert (await alice.http.post(address(world.alice), data=wrong)).status_code == 403
    assert await bodies() == []


async def test_a_form_outlives_no_session_by_more_than_its_text_would(
    alice: Browser, world: World, clock: Clock
) -> None:
    """A22: who found an old page of another's signs nothing with it."""
    page = await alice.get(address(world.alice))
    await session_ends()
    clock.now += timedelta(hours=12, minutes=14)
    await sends(alice, page)
    assert COOKIE in alice.http.cookies
    alice.http.cookies.delete(COOKIE)
    clock.now += timedelta(minutes=1)
    await sends(alice, page)
    assert COOKIE not in alice.http.cookies


@pytest.mark.parametrize("size", [20_000, 90_000])
async def test_a_huge_text_without_a_session_costs_next_to_nothing(
    alice: Browser, world: World, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31: control characters, which nothing packs, sent by nobody in particular."""
    packed = count_packed(monkeypatch)
    sent = fields(await alice.get(address(world.alice)))
    await session_ends()
    noise = "".join(chr(1 + place * 7919 % 31) for place in range(size))
    body = f"auteur={sent['auteur']}&texte={noise}".encode()
    answer = await alice.http.post(
        address(world.alice),
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, COOKIE in alice.http.cookies) == (303, size < 64_000)
    assert max(packed, default=0) < 6_000
    assert len(packed) <= 15


async def test_another_site_plants_nothing(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    sent = fields(page) | WRITTEN
    await session_ends()
    for site in ("cross-site", "same-site", "none"):
        answer = await alice.http.post(
            address(world.alice), data=sent, headers={"sec-fetch-site": site}
        )
        assert (answer.status_code, COOKIE in alice.http.cookies) == (403, False)


async def test_the_cookie_is_worth_nothing_altered_or_after_a_quarter_of_an_hour(
    alice: Browser, world: World, clock: Clock
) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    refused = await sends(alice, page)
    sealed = alice.http.cookies[COOKIE]
    for odd in (sealed[:-6] + "AAAAAA", sealed[:40], "x", "é".encode().hex(), sealed.swapcase()):
        alice.http.cookies.set(COOKIE, odd, domain="portail.example", path="/")
        await alice.sign_in()
        assert (odd[:9], await bodies()) == (odd[:9], [])
    await session_ends()
    clock.now += timedelta(minutes=16)
    alice.http.cookies.set(COOKIE, sealed, domain="portail.example", path="/")
    assert (await signs_in(alice, refused)).status_code == 200
    assert await bodies() == []


async def test_signing_out_forgets_it(alice: Browser, app: Gate, world: World) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    await sends(alice, page)
    assert COOKIE in alice.http.cookies
    await alice.post("/deconnexion")
    assert COOKIE not in alice.http.cookies


async def test_a_grant_lost_in_between_keeps_nothing(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.bob))
    await session_ends()
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    refused = await sends(alice, page)
    assert (await signs_in(alice, refused)).status_code == 404
    assert await bodies() == []


async def test_wrong_passwords_on_the_way_cost_no_text(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    form = await alice.follow(await sends(alice, page))
    await alice.press(form, "Connexion", {"courriel": "alice@example.com", "mot_de_passe": "x"})
    await alice.sign_in()
    assert await bodies() == [WRITTEN["texte"]]


def kept(body: str, subject: str = "", author: UUID | None = None) -> KeptText:
    return KeptText(author or uuid4(), uuid4(), uuid4(), uuid4(), subject, body, True, NOW)


def test_everything_that_may_be_sent_fits_whole_in_a_cookie() -> None:
    astral = "".join(chr(0x1F300 + place * 7 % 1500) for place in range(620))
    text = kept(astral[:500], astral[500:])
    sealed = kept_text.seal(text, BOX, now=NOW)
    assert len(sealed) <= LARGEST
    assert kept_text.unseal(text.author, sealed, BOX, now=NOW) == text
    assert kept_text.unseal(uuid4(), sealed, BOX, now=NOW) is None


def test_what_is_too_long_to_send_loses_its_end_alone() -> None:
    text = kept("".join(chr(0x1F300 + place * 7919 % 60000) for place in range(5000)))
    sealed = kept_text.seal(text, BOX, now=NOW)
    found = kept_text.unseal(text.author, sealed, BOX, now=NOW)
    assert len(sealed) <= LARGEST
    assert found is not None
    assert text.body.startswith(found.body)
    assert len(found.body) > 500


def count_packed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what is packed from now on."""
    sizes: list[int] = []
    pack = kept_text._packed

    def counting(text: KeptText) -> bytes:
        sizes.append(len(text.subject) + len(text.body))
        return pack(text)

    monkeypatch.setattr(kept_text, "_packed", counting)
    return sizes


@pytest.mark.parametrize("letters", ["\x01\x02\x03\x04", "ab", "\U0001f300\u4e00\x1f"])
def test_a_text_is_cut_in_a_few_steps(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A31: the work is bounded whatever was sent, for nobody has signed in yet."""
    packed = count_packed(monkeypatch)
    noise = Random(1).choices(letters, k=100_000)
    text = kept("".join(noise), "".join(noise[:9_000]))
    sealed = kept_text.seal(text, BOX, now=NOW)
    found = kept_text.unseal(text.author, sealed, BOX, now=NOW)
    assert len(sealed) <= LARGEST
    assert found is not None
    assert text.body.startswith(found.body)
    assert len(found.body) >= 400
    assert len(packed) <= 15
    assert max(packed) <= 5_500


async def test_the_text_is_in_no_journal_and_no_log(
    alice: Browser, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    again = await signs_in(alice, await sends(alice, page))
    assert "renouveler" in value(again, "texte")
    assert "renouveler" not in caplog.text


async def test_a_text_that_lost_its_end_says_so(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await session_ends()
    written = "".join(chr(0x1F300 + place * 7919 % 60000) for place in range(4000))
    refused = await alice.press(page, "Envoyer", WRITTEN | {"texte": written})
    assert onward(refused) == f"{address(world.alice)}?conserve=coupe"
    again = await signs_in(alice, refused)
    assert "La fin, trop longue, n’a pas été conservée." in main(again)
    assert written.startswith(value(again, "texte"))
