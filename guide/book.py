"""The words of a guide: its text in one language, with the portal's own labels put in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from web.rendering import NBSP, translations

HERE = Path(__file__).parent
LANGUAGES = ("fr", "en")
FILES = {
    ("patient", "fr"): "guide-utilisation.pdf",
    ("patient", "en"): "user-guide.pdf",
    ("staff", "fr"): "guide-personnel.pdf",
    ("staff", "en"): "staff-guide.pdf",
}
HEADING = re.compile(
    r'<section class="chapter" id="(?P<chapter>[^"]+)">\s*<h1>(?P<title>.*?)</h1>'
    r'|<h2 id="(?P<part>[^"]+)">(?P<name>.*?)</h2>',
    re.DOTALL,
)
BEFORE = re.compile(r" (?=[:;?!»])|(?<=«) ")


@dataclass(frozen=True)
class Part:
    id: str
    title: str


@dataclass(frozen=True)
class Chapter(Part):
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Book:
    kind: str
    language: str
    guide: Mapping[str, str]
    body: str
    labels: tuple[str, ...]
    """The French words of the controls it names."""
    pictures: tuple[str, ...]

    @property
    def contents(self) -> list[Chapter]:
        chapters: list[Chapter] = []
        for found in HEADING.finditer(self.body):
            if found["chapter"]:
                chapters.append(Chapter(found["chapter"], _plain(found["title"])))
            else:
                chapters[-1].parts.append(Part(found["part"], _plain(found["name"])))
        return chapters

    @property
    def begins_pages(self) -> bool:
        """Whether each chapter has its own pages, with its name at their top."""
        return self.kind == "patient"

    @property
    def digest(self) -> str:
        """Of all that it says and how it is laid out, its pictures aside."""
        layout = [(HERE / name).read_text() for name in ("layout.html", "guide.css")]
        return sha256("\n".join([*layout, *self.guide.values(), self.body]).encode()).hexdigest()

    def html(self, pages: Mapping[str, int]) -> str:
        style = (HERE / "guide.css").read_text().replace("GUIDE_TITLE", self.guide["title"])
        for chapter in self.contents if self.begins_pages else ():
            style += (
                f"\n#{chapter.id} {{ page: {chapter.id}; }}"
                f'\n@page {chapter.id} {{ @top-left {{ content: "{chapter.title}"; }} }}'
            )
        return (
            _environment()
            .get_template("layout.html")
            .render(
                language=self.language,
                kind=self.kind,
                guide=self.guide,
                contents=self.contents,
                pages=pages,
                style=Markup(style),
                body=Markup(self.body),
            )
        )


def read(kind: str, language: str) -> Book:
    labels: list[str] = []
    pictures: list[str] = []
    say = translations(language).gettext

    def words(french: str) -> str:
        spaced = BEFORE.sub(NBSP, french)
        labels.append(spaced)
        return say(spaced)

    def label(french: str, *, own: bool = False) -> Markup:
        """A control's name; its `own`: the same in both languages, and in no catalogue."""
        return Markup('<b class="label">{}</b>').format(french if own else words(french))

    def picture(name: str, alt: str, caption: str = "") -> Markup:
        pictures.append(name)
        head = Markup('<p class="caption">{}</p>').format(caption) if caption else ""
        return Markup('<div class="picture">{}<img src="{}.png" alt="{}"></div>').format(
            head, name, alt
        )

    template = _environment().get_template(f"texts/{kind}.{language}.html")
    module: Any = template.make_module({"label": label, "words": words, "picture": picture})
    body = str(module).strip()
    guide = dict(module.guide)
    if language == "fr":
        body = BEFORE.sub(NBSP, body)
        guide = {key: BEFORE.sub(NBSP, said) for key, said in guide.items()}
    body = re.sub(
        r'<ol class="steps" start="(\d+)">',
        r'<ol class="steps" start="\1" style="--start: \1">',
        body,
    )
    return Book(kind, language, guide, body, tuple(labels), tuple(pictures))


def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)


def _plain(text: str) -> str:
    return unescape(re.sub("<[^>]+>", "", text)).strip()
