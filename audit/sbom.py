"""What the portal is made of, as CycloneDX in build/sbom.json, with the licence of each part."""

import json
import re
from collections import Counter
from typing import Any

from audit.portal import ROOT
from audit.tools import BIN, run

FILE = ROOT / "build" / "sbom.json"
STRONG = re.compile(r"\b(A?GPL|SSPL|BUSL)", re.IGNORECASE)
"""Licences whose terms would reach the portal itself."""


VENDORED = ({"name": "htmx", "version": "4.0.1", "id": "0BSD"}, {"name": "lucide", "id": "ISC"})
"""Of `static/`, which no lock knows."""


def main() -> list[str]:
    bom = json.loads(
        run(BIN / "cyclonedx-py", "environment", "--pyproject=pyproject.toml", ".venv/bin/python")
    )
    shipped = _locked("requirements.lock")
    bom["components"] = [
        each for each in bom.get("components", []) if _plain(each["name"]) in shipped
    ]
    bom["components"] += [_vendored(each) for each in VENDORED]
    kept = {each["bom-ref"] for each in bom["components"]}
    kept |= {bom["metadata"]["component"]["bom-ref"]} if "component" in bom["metadata"] else set()
    bom["dependencies"] = [
        each | {"dependsOn": [ref for ref in each.get("dependsOn", []) if ref in kept]}
        for each in bom.get("dependencies", [])
        if each["ref"] in kept
    ]
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(bom, indent=1))
    licences = {each["name"]: _licence(each) for each in bom["components"]}
    print(f"   {len(licences)} components in {FILE.relative_to(ROOT)}")
    for licence, count in Counter(licences.values()).most_common():
        print(f"   {count:3} {licence}")
    missing = shipped - {_plain(name) for name in licences}
    return [
        *(f"{name}: not installed, so not in the list" for name in sorted(missing)),
        *(f"{name}: no licence is told" for name, text in licences.items() if not text),
        *(f"{name}: licence {text}" for name, text in licences.items() if STRONG.search(text)),
    ]


def _vendored(each: dict[str, str]) -> dict[str, Any]:
    name, version = each["name"], each.get("version", "")
    return {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": each["id"]}}],
    }


def _locked(lock: str) -> set[str]:
    pins = re.findall(r"(?m)^([\w.-]+)(?:\[[^]]*])?==", (ROOT / lock).read_text())
    return {_plain(name) for name in pins}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(component: dict[str, Any]) -> str:
    """Its names; a whole text by its first line."""
    found = []
    for each in component.get("licenses", []):
        entry = each.get("license", {})
        text = each.get("expression") or entry.get("id") or entry.get("name") or ""
        found.append(text.splitlines()[0].strip()[:60] if text else "")
    return ", ".join(sorted(set(filter(None, found))))
