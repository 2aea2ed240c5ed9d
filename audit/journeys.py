"""The guide's journeys by keyboard alone and without scripts: `e2e` stories marked « audit »."""

import re
import subprocess
import sys

from audit.portal import ROOT

FAILED = re.compile(r"^FAILED \S+?::(\S+)", re.MULTILINE)


def main() -> list[str]:
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "e2e", "-m", "audit", "-q", "-p", "no:asyncio"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = told.stdout.splitlines()
    print(f"   {lines[-1] if lines else told.stderr}", flush=True)
    failed = FAILED.findall(told.stdout)
    return failed or ([told.stdout[-2000:]] if told.returncode else [])
