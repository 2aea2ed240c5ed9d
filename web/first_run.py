"""`portal init` and `portal admin`: the first run from a console."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from domain.audit import Actor
from domain.desk import installation
from domain.desk.installation import DAYS, YES, Draft
from domain.errors import Invalid, LastAdministrator
from domain.links import Links
from domain.staff import personnel
from domain.staff.personnel import Form
from web.first_run_options import ASKED

INSTALLATION = "/clinique/installation"
Ask = Callable[[str], str]
ABOUT = {field: (option, about) for option, field, about in ASKED}
RANGE = re.compile(r"[1-7](-[1-7])?(,[1-7](-[1-7])?)*")
REASONS = {
    "missing": "is needed",
    "odd": "cannot be read",
    "malformed": "is no complete e-mail address",
    "too_long": "is too long",
    "backwards": "must begin before it ends",
    "overlap": "must begin after the morning ends",
    "taken": "is someone else’s",
}


class CannotInstall(Exception):
    """With what is wrong, in words."""


async def init(options: argparse.Namespace, links: Links, *, ask: Ask | None, now: datetime) -> str:
    """The path of the link to follow next. `ask`: someone is there to answer."""
    if not await installation.is_needed():
        raise CannotInstall("The portal has its clinic already.")
    if options.browser:
        return browser_path(links, now)
    draft = _draft(options)
    draft = _asked(options, draft, ask) if ask else draft.with_site()
    try:
        actor = Actor("console", None, "portal init")
        return await installation.install(draft.with_texts(), actor, links=links, now=now)
    except Invalid as refusal:
        raise CannotInstall("\n".join(_words(refusal.problems))) from refusal


def browser_path(links: Links, now: datetime) -> str:
    return f"{INSTALLATION}/{links.sign_installation(now)}"


async def add_administrator(options: argparse.Namespace, links: Links, *, now: datetime) -> str:
    """The path of their one-time link."""
    if await installation.is_needed():
        raise CannotInstall(
            "There is no clinic yet: `portal init` makes it, with its administrator."
        )
    form = Form(
        prenom=options.first_name,
        nom=options.last_name,
        courriel=options.email,
        langue=options.language,
    )
    try:
        return await personnel.from_console(form, is_another=options.another, links=links, now=now)
    except LastAdministrator as refusal:
        raise CannotInstall(
            "There is an administrator already: add colleagues on « Personnel », or say --another."
        ) from refusal
    except Invalid as refusal:
        names = {"prenom": "--first-name", "nom": "--last-name", "courriel": "--email"}
        raise CannotInstall(
            "\n".join(
                f"{names.get(field, field)} {REASONS[problem]}"
                for field, problem in refusal.problems.items()
            )
        ) from refusal


def _draft(options: argparse.Namespace) -> Draft:
    given = {field: getattr(options, field) for _, field, _ in ASKED}
    typed = {field: value for field, value in given.items() if value is not None}
    return replace(Draft(), **typed, **_days(options.days))


def _days(text: str) -> dict[str, str]:
    if not RANGE.fullmatch(text):
        raise CannotInstall("--days: 1 is Monday, as in 1-5 or 1,2,4")
    open_days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        open_days.update(range(int(first), int(last or first) + 1))
    return {day: YES if n in open_days else "" for n, day in enumerate(DAYS, 1)}


def _asked(options: argparse.Namespace, draft: Draft, ask: Ask) -> Draft:
    """What no option says is asked, until it can be taken."""
    for _, field, about in ASKED:
        if field == "lieu":
            draft = draft.with_site()
        if getattr(options, field) is None:
            draft = _answered(draft, field, about, ask)
    return draft


def _answered(draft: Draft, field: str, about: str, ask: Ask) -> Draft:
    while True:
        guess = asdict(draft)[field]
        typed = ask(f"{about} [{guess}]: " if guess else f"{about}: ").strip()
        draft = replace(draft, **{field: typed or guess})
        pair = {"matin_de": "matin_a", "apres_de": "apres_a"}
        problem = "" if field in pair else installation.problems(draft).get(field)
        if not problem:
            return draft
        ask_again = f"  {REASONS.get(problem, problem)}"
        about = f"{ask_again.strip()} – {ABOUT[field][1]}"


def _words(problems: dict[str, str]) -> Sequence[str]:
    return [
        f"--{ABOUT[field][0] if field in ABOUT else field}: {REASONS.get(problem, problem)}"
        for field, problem in problems.items()
    ]
