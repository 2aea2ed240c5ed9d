"""Requests that no page of ours makes, by everyone, on both databases; never the same twice."""

import os
import re
import subprocess
import sys
from secrets import randbelow

from audit.portal import ROOT

TESTS = "tests/web/staff/test_fuzzed_requests.py"
REQUESTS = 1_000
"""Of each person, on each database."""
MINUTES = 30


def main() -> list[str]:
    found: list[str] = []
    for engine in ("sqlite", "postgres"):
        seed = str(randbelow(10**6))
        chosen = {"FUZZ_REQUESTS": str(REQUESTS), "FUZZ_SEED": seed, "TEST_ENGINE": engine}
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                TESTS,
                "-q",
                "-vv",
                "-m",
                "soak",
                "-p",
                "no:playwright",
            ],
            cwd=ROOT,
            env=os.environ | {"SOAK": "1"} | chosen,
            capture_output=True,
            text=True,
            check=False,
            timeout=MINUTES * 60,
        )
        told = done.stdout.strip().splitlines()
        print(
            f"   {engine}, seed {seed}: {told[-1].strip('= ') if told else done.stderr}", flush=True
        )
        faults = re.findall(r"(?m)^E\s+[+]\s+[\"'](.*)", done.stdout)
        if done.returncode and not faults:
            faults = [line for line in told if line.startswith(("FAILED", "ERROR"))] or [
                "no answer"
            ]
        found += [f"{engine}, seed {seed}: {fault}" for fault in faults]
    return found
