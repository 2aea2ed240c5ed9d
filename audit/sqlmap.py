"""sqlmap against a demonstration of its own: every address with parameters that pages lead to."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.addresses import with_parameters
from audit.portal import Demo, demo
from audit.tools import BIN, run

MOST = 15
"""Addresses of each side."""
SECONDS = 900
VULNERABLE = re.compile(r"(?m)^.*(?:appears to be .*injectable|is vulnerable).*$")
BROKEN = re.compile(r"\b5\d\d \([^)]*\) - \d+ times?")


def main() -> list[str]:
    found: set[str] = set()
    with demo() as attacked:
        for begin, cookies in attacked.sessions().items():
            urls = with_parameters(attacked, begin, cookies)[:MOST]
            found |= _attack(attacked, urls, cookies)
            print(f"   from {begin}: {len(urls)} addresses")
        print(f"   {attacked.asked()} requests answered")
        found |= {f"the portal failed: {each}" for each in attacked.failures()}
    return sorted(found)


def _attack(attacked: Demo, urls: list[str], cookies: dict[str, str]) -> set[str]:
    with TemporaryDirectory() as name:
        targets = Path(name) / "targets"
        targets.write_text("".join(f"{attacked.url}{url}\n" for url in urls))
        said = run(
            BIN / "sqlmap",
            *("-m", targets, "--batch", "--level", "1", "--risk", "1", "--flush-session"),
            *("--cookie", "; ".join(f"{key}={value}" for key, value in cookies.items())),
            *("--headers", "Sec-Fetch-Site: same-origin", "--drop-set-cookie"),
            *("--output-dir", Path(name) / "output", "--disable-coloring", "--retries", "0"),
            within=SECONDS,
        )
    return set(VULNERABLE.findall(said)) | set(BROKEN.findall(said))
