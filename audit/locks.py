"""Whether everything installed is pinned to a version and a hash, from nowhere in particular."""

import json
import re

from audit.portal import ROOT
from audit.tools import tree

# Known faults of what we use: the first version without them.
AT_LEAST = {"litestar": (2, 20), "jinja2": (3, 1, 6), "cryptography": (44, 0, 1)}


def main() -> list[str]:
    files = tree()
    locks = [name for name in files if re.search(r"requirements[\w.-]*\.lock$", name)]
    found = [fault for name in locks for fault in _of_lock(name)]
    nodes = [name for name in files if name.endswith("package-lock.json")]
    found += [fault for name in nodes for fault in _of_node(name)]
    print(f"   {', '.join(sorted(locks + nodes))}")
    return found


def _of_lock(name: str) -> list[str]:
    found = []
    text = (ROOT / name).read_text().replace("\\\n", " ")
    for line in filter(None, (each.strip() for each in text.splitlines())):
        if line.startswith("#"):
            continue
        pin = re.match(r"([\w.-]+)(?:\[[^]]*])?==([\w.]+)", line)
        if pin is None:
            found.append(f"{name}: not pinned to a version: {line[:60]}")
            continue
        if "--hash=sha256:" not in line:
            found.append(f"{name}: {pin[1]} has no hash")
        if _version(pin[2]) < AT_LEAST.get(pin[1].lower(), ()):
            found.append(f"{name}: {pin[1]} {pin[2]} has a known fault")
    return found


def _of_node(name: str) -> list[str]:
    packages = json.loads((ROOT / name).read_text())["packages"]
    return [
        f"{name}: {package} {fault}"
        for package, entry in packages.items()
        if package and not entry.get("link")
        for fault, is_so in (
            ("has no hash", "integrity" not in entry),
            ("names where it came from", "resolved" in entry),
        )
        if is_so
    ]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
