from datetime import timedelta

import pytest

from domain.accounts import account_links, sign_up
from tests.web.browser import Browser, main
from web.rendering import duration, translations


@pytest.mark.parametrize(
    ("span", "french", "english"),
    [
        (timedelta(days=7), "7\u00a0jours", "7\u00a0days"),
        (timedelta(days=1), "24\u00a0heures", "24\u00a0hours"),
        (timedelta(hours=12), "12\u00a0heures", "12\u00a0hours"),
        (timedelta(hours=1), "une heure", "one hour"),
        (timedelta(minutes=90), "90\u00a0minutes", "90\u00a0minutes"),
        (timedelta(seconds=60), "une minute", "one minute"),
        (timedelta(seconds=30), "30\u00a0secondes", "30\u00a0seconds"),
    ],
)
def test_a_duration_in_words(span: timedelta, french: str, english: str) -> None:
    assert (duration(span, "fr"), duration(span, "en")) == (french, english)


@pytest.mark.parametrize(("language", "of_none"), [("fr", "plage"), ("en", "plages")])
def test_none_is_singular_in_french_alone(language: str, of_none: str) -> None:
    words = translations(language)
    for ngettext in (words.ngettext, words.ungettext):
        assert [ngettext("plage", "plages", n) for n in (0, 1, 2)] == [of_none, "plage", "plages"]


async def test_pages_say_the_durations_of_the_rules(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(account_links.LIVES, "activate", timedelta(hours=5))
    monkeypatch.setitem(account_links.LIVES, "reset", timedelta(minutes=45))
    monkeypatch.setattr(sign_up, "KEPT_UNPROVEN", timedelta(days=9))
    for url, words in {
        "/inscription": "tout est effacé après 9 jours.",
        "/inscription/envoi": "le lien fonctionne pendant 5 heures.",
        "/mot-de-passe-oublie/envoi": "fonctionne pendant 45 minutes, une seule fois.",
    }.items():
        assert words in main(await stranger.get(url))
