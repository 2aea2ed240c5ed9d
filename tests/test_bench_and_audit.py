"""What `make bench` and `make audit` say can be believed, and a part asks for its own tools alone.

They choose a database of their own, so another process imports them.
"""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests import databases

ROOT = Path(__file__).parent.parent
OVERLOAD = """
    import asyncio
    from itertools import repeat
    from bench.overload import Asked, _arrive
    from tests import pgtmp

    async def late(reader, writer):
        while await reader.readuntil(b"!"):
            await asyncio.sleep(0.2)
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n")

    async def main():
        port = pgtmp.free_port()
        async with await asyncio.start_server(late, "127.0.0.1", port):
            crowd = await _arrive(port, repeat(Asked("week", b"!")), 100, 0.1)
            print(crowd.rate, len(crowd.served["week"].waits) > 0)

    asyncio.run(main())
"""


def said(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        cwd=ROOT,
        env=databases.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_figure_that_failed_meets_no_aim_and_fails_its_block() -> None:
    told = said(
        """
        from bench import against, aims
        from bench.__main__ import _block
        failed = "FAILED not all (303,): {422: 600}"
        print(*(aims.verdict(name, "SQLite", failed) for name in (against.BOOKING, "other")))
        print(aims.verdict(against.BOOKING, "SQLite", "400 of 100 = 4.0"))
        cells = (failed, against.MISSING, "400")
        ok = [_block("", lambda engine, size: {"x": cell}, ["SQLite"], None) for cell in cells]
        print(ok)
        """
    )
    lines = told.splitlines()
    assert [lines[0], lines[1], lines[-1]] == ["✗ ✗", "✓", "[False, False, True]"]


def test_what_is_answered_after_the_crowd_has_come_is_no_rate_of_it() -> None:
    assert said(OVERLOAD) == "0.0 True"


@pytest.mark.parametrize(
    ("parts", "needs_node"), [("code secrets locks", False), ("html", True), ("", True)]
)
def test_a_part_of_the_audit_asks_for_its_own_tools_alone(
    parts: str, needs_node: bool, tmp_path: Path
) -> None:
    wanted = subprocess.run(
        ["make", "--dry-run", "audit", f"PARTS={parts}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("build/audit/node/.installed" in wanted) == needs_node
    bare = subprocess.run(
        ["/bin/sh", "audit/system-packages", *parts.split()],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bare.returncode == 1, "Node.js" in bare.stderr) == (needs_node, needs_node)
