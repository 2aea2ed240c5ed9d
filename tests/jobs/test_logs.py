"""What every line of the log looks like, wherever the server stands."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONE_LINE = """
import logging
from jobs import logs
logs.to_stdout()
line = logging.LogRecord("portal", logging.INFO, "", 0, "begun", None, None)
line.created, line.msecs = 1_764_000_000, 7
logging.getLogger().handle(line)
"""


def test_a_line_is_one_event_in_utc() -> None:
    """In a process of its own: it takes the log from whoever had it."""
    command, there = [sys.executable, "-c", ONE_LINE], os.environ | {"TZ": "America/Vancouver"}
    said = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, check=True)
    assert said.stdout == "2025-11-24 16:00:00.007Z INFO portal begun\n"
    assert said.stderr == ""
