"""« Téléchargez le guide d’utilisation », for whoever is there, in their language."""

from tests.web.browser import Browser, Element, elements
from web.rendering import NBSP, file_size, root

FRENCH, ENGLISH = "guide-utilisation.pdf", "user-guide.pdf"


def guides(page: object) -> list[Element]:
    return [
        link
        for link in elements(page, "a")  # type: ignore[arg-type]
        if link.attrs.get("type") == "application/pdf"
    ]


def said(name: str, words: str, language: str) -> str:
    size = (root("static") / "guide" / name).stat().st_size
    return f"{words} (PDF, {file_size(size, language)})".replace(NBSP, " ")


async def test_whoever_is_not_signed_in_downloads_the_guide_in_their_language(
    stranger: Browser,
) -> None:
    (french,) = guides(await stranger.get("/connexion"))
    assert french.text == said(FRENCH, "Téléchargez le guide d’utilisation", "fr")
    await stranger.post("/langue", {"langue": "en", "suivant": "/connexion"})
    (english,) = guides(await stranger.get("/connexion"))
    assert english.text == said(ENGLISH, "Download the user guide", "en")
    for link, name, language in [(french, FRENCH, "fr"), (english, ENGLISH, "en")]:
        answer = await stranger.get(link.attrs["href"])
        assert link.attrs["href"].partition("?")[0] == f"/static/guide/{name}"
        assert link.attrs["hreflang"] == language
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.content == (root("static") / "guide" / name).read_bytes()


async def test_guide_is_at_the_foot_of_the_tabs_and_in_the_phones_menu(alice: Browser) -> None:
    links = guides(await alice.get("/"))
    assert [link.text for link in links] == 2 * [
        said(FRENCH, "Téléchargez le guide d’utilisation", "fr")
    ]
