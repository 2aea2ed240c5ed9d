"""What bandit and ruff's own security rules say of the code that runs."""

import json

from audit.portal import ROOT
from audit.tools import BIN, run

PACKAGES = ("domain", "web", "jobs", "operations")
RULES = "S,B,ASYNC,DTZ"

AS_JSON = ("--output-format=json", "--ignore=S608")
"""S608 says of every statement that it could be put together; a test looks at each."""


def main() -> list[str]:
    said = json.loads(run(BIN / "bandit", "--recursive", "--quiet", "--format=json", *PACKAGES))
    lines = sum(
        figures["loc"] for name, figures in said["metrics"].items() if name.startswith("_totals")
    )
    print(f"   bandit read {lines} lines; ruff {RULES}")
    found = [f"{each['test_id']} {_place(each)}: {each['issue_text']}" for each in said["results"]]
    found += [f"bandit could not read {each['filename']}" for each in said["errors"]]
    ruled = json.loads(
        run(ROOT / ".venv/bin/ruff", "check", f"--select={RULES}", *AS_JSON, *PACKAGES)
    )
    found += [f"{each['code']} {_place(each)}: {each['message']}" for each in ruled]
    return sorted(set(found))


def _place(found: dict[str, str]) -> str:
    return found["filename"].removeprefix("./").removeprefix(f"{ROOT}/")
