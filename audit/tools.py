"""Programs of others that the parts run."""

import subprocess
from pathlib import Path

from audit.portal import ROOT

BIN = ROOT / "build" / "audit" / "bin"
"""The environment of `audit/requirements.lock`, which `make audit` makes."""


def run(*command: str | Path, within: float = 600) -> str:
    """What it prints, whatever its exit code: these exit with 1 when they find something."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=within,
    )
    if not done.stdout.strip() and done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def tree() -> list[str]:
    """Every file of the source, as a copy of it would have: what is made or ignored is not."""
    return run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
