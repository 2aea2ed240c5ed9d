"""Templates to text, in the two languages and the clinic's time zone. Knows no HTTP."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer

from domain.people import phones

NBSP = "\u00a0"
LOCALES = {"fr": "fr_CA", "en": "en_CA"}
LINK = re.compile(
    r"https://[^\s<>\"'`\\^{}|\u200b-\u200f\u202a-\u202e\u2060-\u2069]+", re.IGNORECASE
)
AFTER_LINK = ".,;:!?…»”’)]*_~"
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""
KILO = 1024
UNITS = {
    timedelta(days=1): {"fr": ("un jour", "jours"), "en": ("one day", "days")},
    timedelta(hours=1): {"fr": ("une heure", "heures"), "en": ("one hour", "hours")},
    timedelta(minutes=1): {"fr": ("une minute", "minutes"), "en": ("one minute", "minutes")},
    timedelta(seconds=1): {"fr": ("une seconde", "secondes"), "en": ("one second", "seconds")},
}
LATELY = {"fr": {0: "aujourd’hui", 1: "hier"}, "en": {0: "today", 1: "yesterday"}}
PATTERNS = {
    "fr": {"long": "EEEE d MMMM", "full": "d MMMM y", "short": "d MMM y", "weekday": "EEEE"},
    "en": {"long": "EEEE, MMMM d", "full": "MMMM d, y", "short": "MMM d, y", "weekday": "EEEE"},
}


class Bilingual(Protocol):
    @property
    def fr(self) -> str: ...
    @property
    def en(self) -> str: ...


def root(folder: str) -> Path:
    """A folder of the project: beside the packages in a checkout, inside `web` once installed."""
    beside = Path(__file__).parent.parent / folder
    return beside if beside.is_dir() else Path(str(files("web"))) / "_data" / folder


class Renderer:
    def __init__(
        self,
        static: Callable[[str], str] = lambda name: f"/static/{name}",
        static_size: Callable[[str], int] = lambda name: 0,
    ) -> None:
        self._static = static
        self._static_size = static_size
        self._environments: dict[tuple[str, str], Environment] = {}

    def render(self, template: str, language: str, zone: ZoneInfo, **context: Any) -> str:
        return self._environment(language, zone).get_template(template).render(context)

    def _environment(self, language: str, zone: ZoneInfo) -> Environment:
        key = (language, zone.key)
        if key not in self._environments:
            environment = _environment(language, zone, self._static)
            environment.globals["static_size"] = self._static_size
            self._environments[key] = environment
        return self._environments[key]


class Constants(NodeTransformer):
    """Puts in a template, once, what would come out the same at every page."""

    def __init__(self, environment: Environment) -> None:
        self._static: Callable[[str], str] = environment.globals["static"]  # type: ignore[assignment]
        self._translations = translations(str(environment.globals["language"]))

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.kwargs:
            return node
        match node.node.name, node.args:
            case "_" | "gettext", [nodes.Const(value=text)]:
                # `% {}` as Jinja does: « 100 %% » is written for « 100 % ».
                translated = self._translations.gettext(text) % {}
                return nodes.MarkSafeIfAutoescape(nodes.Const(translated))
            case "static", [nodes.Const(value=name)]:
                return nodes.Const(self._static(name))
        return node


class Compiler(CodeGenerator):
    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        super().visit_Template(Constants(self.environment).visit(node), frame)


class PortalEnvironment(Environment):
    code_generator_class = Compiler


def _environment(language: str, zone: ZoneInfo, static: Callable[[str], str]) -> Environment:
    environment = PortalEnvironment(
        loader=FileSystemLoader(root("templates")),
        autoescape=_is_escaped,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["static"] = static
    environment.globals["language"] = language
    environment.filters.update(_filters(language, zone))
    return environment


def _is_escaped(template: str | None) -> bool:
    return template is None or not template.endswith(".txt")


class French(NullTranslations):
    """The source text: in it not only one is singular, but none, too."""

    def ungettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid2 if n > 1 else msgid1

    ngettext = ungettext


@cache
def translations(language: str) -> NullTranslations:
    """Of English the catalogue is compiled in memory, so no .mo is kept."""
    catalogue = root("locale") / language / "LC_MESSAGES" / "messages.po"
    if language == "fr" or not catalogue.exists():
        return French()
    with catalogue.open("rb") as source:
        messages = read_po(source)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def _filters(language: str, zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    return {
        **_time_filters(language, zone),
        "phone": phone,
        "with_links": with_links,
        "file_size": lambda size: file_size(size, language),
        "duration": lambda span: duration(span, language),
        "own": lambda name: name.en if language == "en" else name.fr,
    }


def _time_filters(language: str, zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    at = "à" if language == "fr" else "at"

    def local(value: datetime | date) -> datetime | date:
        return value.astimezone(zone) if isinstance(value, datetime) else value

    def named(pattern: str) -> Callable[[datetime | date], str]:
        return lambda value: day_text(_day(local(value)), pattern, language)

    def clock(value: datetime) -> str:
        at = value.astimezone(zone)
        return f"{at.hour:02}:{at.minute:02}"  # a third of the time strftime takes

    def sentence(value: datetime) -> str:
        return f"{named('long')(value)} {at}{NBSP}{clock(value)}"

    def days_ago(value: datetime, now: datetime) -> int:
        return (now.astimezone(zone).date() - value.astimezone(zone).date()).days

    def day_short(value: datetime, now: datetime) -> str:
        return LATELY[language].get(days_ago(value, now)) or named("short")(value)

    def moment(value: datetime) -> str:
        return f"{named('full')(value)} {at}{NBSP}{clock(value)}"

    return {
        "date_long": named("long"),
        "date_full": named("full"),
        "date_short": named("short"),
        "day_short": day_short,
        "is_recent": lambda value, now: days_ago(value, now) in LATELY[language],
        "weekday": named("weekday"),
        "day_of_month": lambda value: str(_day(local(value)).day),
        "iso_day": lambda value: _day(local(value)).isoformat(),
        "time": clock,
        "datetime_sentence": sentence,
        "datetime_full": moment,
        "iso": lambda value: value.astimezone(UTC).isoformat(timespec="seconds"),
        "week_title": lambda monday, sunday: week_title(monday, sunday, language),
    }


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


@lru_cache(maxsize=4096)
def day_text(day: date, pattern: str, language: str) -> str:
    return _set(format_date(day, PATTERNS[language][pattern], locale=LOCALES[language]), language)


def week_title(monday: date, sunday: date, language: str) -> str:
    """« 15 – 21 septembre », « 29 septembre – 5 octobre », with both years when they differ."""
    if monday.year != sunday.year:
        return f"{day_text(monday, 'full', language)} – {day_text(sunday, 'full', language)}"
    if language == "en":
        if monday.month == sunday.month:
            return f"{_month_day(monday, 'en')}{NBSP}–{NBSP}{sunday.day}"
        return f"{_month_day(monday, 'en')} – {_month_day(sunday, 'en')}"
    if monday.month == sunday.month:
        first = "1er" if monday.day == 1 else str(monday.day)
        return f"{first}{NBSP}–{NBSP}{_month_day(sunday, 'fr')}"
    return f"{_month_day(monday, 'fr')} – {_month_day(sunday, 'fr')}"


def _month_day(day: date, language: str) -> str:
    pattern = "d MMMM" if language == "fr" else "MMMM d"
    return _set(format_date(day, pattern, locale=LOCALES[language]), language)


def _set(text: str, language: str) -> str:
    """French says the first « 1er »; a day and its month stay on one line in both."""
    if language == "fr":
        ordinal = re.sub(r"\b1 (?=\D)", f"1er{NBSP}", text)
        return re.sub(r"\b(\d{1,2}) (?=\D)", rf"\1{NBSP}", ordinal)
    return re.sub(r"(?<=[a-z.]) (\d{1,2})\b", rf"{NBSP}\1", text)


@lru_cache(maxsize=256)
def phone(number: str) -> str:
    return phones.as_typed(number)


def with_links(text: str) -> list[tuple[str, bool]]:
    """The pieces of a text, and which of them are addresses to follow; the template escapes both.

    Only `https`, only what a browser would go to as it is written, and nothing that hides it.
    """
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in LINK.finditer(text):
        url = _without_what_follows(found[0])
        if _leads_where_it_says(url):
            pieces += [(text[end : found.start()], False), (url, True)]
            end = found.start() + len(url)
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]


def _without_what_follows(url: str) -> str:
    """Punctuation of the sentence is not its; a parenthesis is, that it opened itself."""
    while url and (url[-1] in AFTER_LINK):
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url = url[:-1]
    return url


def _leads_where_it_says(url: str) -> bool:
    if any(letter in UNSEEN or unicodedata.category(letter)[0] == "C" for letter in url):
        return False
    try:
        parts = urlsplit(url)
        # No letter that only looks like another's, and none that is written by its number.
        is_legible = parts.netloc.isascii() and "%" not in parts.netloc
        return (
            is_legible
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and (parts.port or 1) > 0
        )
    except ValueError:
        return False


def duration(span: timedelta, language: str) -> str:
    """In the largest unit that counts it exactly; a day is 24 hours, for it is not today alone."""
    units = list(UNITS)[1:] if span == timedelta(days=1) else list(UNITS)
    unit = next(unit for unit in units if not span % unit)
    one, many = UNITS[unit][language]
    return one if span == unit else f"{span // unit}{NBSP}{many}"


def file_size(size: int, language: str) -> str:
    units = ("ko", "Mo") if language == "fr" else ("KB", "MB")
    kilos = max(1, round(size / KILO))
    if kilos < KILO:
        return f"{kilos}{NBSP}{units[0]}"
    return f"{format_decimal(round(size / KILO**2, 1), locale=LOCALES[language])}{NBSP}{units[1]}"
