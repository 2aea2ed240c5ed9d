"""The English catalogue holds every French string of the templates, and nothing else."""

import re
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "locale/en/LC_MESSAGES/messages.po"
METHODS = [("**.html", "jinja2.ext:babel_extract"), ("**.txt", "jinja2.ext:babel_extract")]


def used() -> Catalog:
    catalogue = Catalog(
        locale="en", header_comment="# English, from the French of the templates.", fuzzy=False
    )
    options = {"**.html": {"trim_blocks": "true"}, "**.txt": {"trim_blocks": "true"}}
    found = extract_from_dir(ROOT / "templates", METHODS, options, comment_tags=())
    for file, line, message, _, context in found:
        catalogue.add(message, locations=[(f"templates/{file}", line)], context=context)
    return catalogue


def translated() -> Catalog:
    with CATALOGUE.open("rb") as source:
        return read_po(source, locale="en")


def faults() -> list[str]:
    known, wanted = translated(), used()
    faults = []
    for message in wanted:
        if not message.id:
            continue
        entry = known.get(message.id)
        if entry is None or not _strings(entry.string) or not all(_strings(entry.string)):
            faults.append(f"not translated: {message.id!r}")
        elif entry.fuzzy:
            faults.append(f"fuzzy: {message.id!r}")
        elif _places(message.id) != _places(entry.string):
            faults.append(f"other placeholders: {message.id!r}")
    ids = {_key(message.id) for message in wanted}
    faults += [f"not used: {m.id!r}" for m in known if m.id and _key(m.id) not in ids]
    return faults


def update() -> None:
    """Rewrite the catalogue from the templates, keeping what is translated."""
    known = translated() if CATALOGUE.exists() else Catalog(locale="en")
    wanted = used()
    for message in wanted:
        entry = known.get(message.id) if message.id else None
        if entry is not None:
            message.string = entry.string
    out = BytesIO()
    write_po(out, wanted, width=100, no_location=True, omit_header=False, sort_output=True)
    text = re.sub(
        r'"(?:POT?-|Project-Id|Report-Msgid|Last-Tr|Language-Team|Generated)[^\n]*\n',
        "",
        out.getvalue().decode(),
    )
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_text(text)


def _strings(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (str(string),) if string else ()


def _places(text: object) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", " ".join(_strings(text))))


def _key(identity: object) -> str:
    return (_strings(identity) or ("",))[0]


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    for fault in (found := faults()):
        print(fault)  # noqa: T201
    sys.exit(bool(found))
