"""The HTML of every page, state and mail, by two validators that know nothing of each other."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from audit.walk import Visit, walk

ROOT = Path(__file__).parent.parent
NODE = ROOT / "build/audit/node"
KEPT = ROOT / "build/audit/html"
RULES = Path(__file__).with_name("htmlvalidate.json")


def main() -> list[str]:
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    found = walk(keep)
    keep_mails()
    pages = sorted(KEPT.glob("*.html"))
    print(f"   {len(pages)} documents", flush=True)
    return found + by_vnu() + by_html_validate()


def keep(visit: Visit) -> list[str]:
    """As the server sent it; and as it stands, where a script has changed it since."""
    (KEPT / f"{visit}.html").write_text(visit.answer)
    # What the scripts did to it: an id that came twice, a list within a paragraph.
    (KEPT / f"{visit}.now.html").write_text(visit.page.content())
    return []


def keep_mails() -> None:
    from tests.domain.test_mail_content import EVERY, bodies, parsed

    for number, about in enumerate(EVERY):
        _, html = bodies(parsed(about))
        (KEPT / f"mail.{about.kind}.{number}.{about.language}.html").write_text(html)


def by_vnu() -> list[str]:
    jar = NODE / "node_modules/vnu-jar/build/dist/vnu.jar"
    options = ["--exit-zero-always", "--format", "json", "--stdout", "--skip-non-html"]
    ran = subprocess.run(
        ["java", "-Xss8m", "-Xmx1g", "-jar", jar, *options, KEPT],
        capture_output=True,
        text=True,
        check=True,
    )
    return _each_once(
        (Path(told["url"]).name, f"vnu: {told['message']}", told.get("extract", ""))
        for told in json.loads(ran.stdout)["messages"]
    )


def by_html_validate() -> list[str]:
    told = KEPT.with_name("html-validate.json")
    subprocess.run(
        [NODE / "node_modules/.bin/html-validate", "-c", RULES, "-f", f"json={told}", KEPT],
        stdout=subprocess.DEVNULL,
        check=False,  # 1 where it has found something
        env=os.environ | {"NODE_OPTIONS": "--max-old-space-size=2048"},
    )
    return _each_once(
        (Path(page["filePath"]).name, f"{fault['ruleId']}: {fault['message']}", fault["selector"])
        for page in json.loads(told.read_text())
        for fault in page["messages"]
    )


def _each_once(told: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """A fault of a shared part is told once, with one page that has it."""
    where: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for page, fault, part in told:
        kind = "mail: " if page.startswith("mail.") else ""
        where[kind + fault].append((page, " ".join((part or "").split())))
    return [
        f"{fault} ({len(found)} times, as in {found[0][0]}, on {_some(part for _, part in found)})"
        for fault, found in sorted(where.items())
    ]


def _some(parts: Iterable[str]) -> str:
    return ", ".join(sorted(set(parts))[:3])[:300]
