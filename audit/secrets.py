"""Passwords, keys and tokens that stand in the source."""

import json

from audit.tools import BIN, run, tree

# Made by tools, or binary: hashes and pictures look like keys.
PASSED_OVER = (".lock", "package-lock.json", ".po", ".png", ".pdf", ".woff2", ".ico", ".jpg")


def main() -> list[str]:
    files = [name for name in tree() if not name.endswith(PASSED_OVER)]
    said = json.loads(run(BIN / "detect-secrets", "scan", *files))
    print(f"   read {len(files)} files with {len(said['plugins_used'])} rules")
    return sorted(
        {f"{name}: {each['type']}" for name, found in said["results"].items() for each in found}
    )
