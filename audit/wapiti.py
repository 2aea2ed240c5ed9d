"""Wapiti against a demonstration of its own, as a patient and as an administrator."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.portal import Demo, demo
from audit.tools import run

MODULES = "cookieflags,csp,csrf,http_headers,xss,permanentxss,sql,exec,file,redirect,crlf"
SECONDS_TO_LOOK = 90
SECONDS_A_MODULE = 60
LEAVING_OUT = ("/deconnexion", "/clinique/deconnexion", "/compte/appareils")
"""Who is signed out attacks the sign-in page alone."""
START = """
import re, sys
from wapitiCore.net import crawler
# Debian's 3.0.4 writes a flag at the end of an expression, which Python 3.11 refuses.
crawler.wildcard_translate = lambda left_out: re.compile(re.escape(left_out[:-1]))
from wapitiCore.main.wapiti import wapiti_main
sys.exit(wapiti_main())
"""


def main() -> list[str]:
    found: set[str] = set()
    with demo() as attacked:
        for begin, cookies in attacked.sessions().items():
            found |= _attack(attacked, begin, cookies)
        print(f"   {attacked.asked()} requests answered")
        found |= {f"the portal failed: {each}" for each in attacked.failures()}
    return sorted(found)


def _attack(attacked: Demo, begin: str, cookies: dict[str, str]) -> set[str]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        report, settings = folder / "report.json", folder / "config"
        settings.mkdir()
        # Else it asks a host outside for a list that none of these modules reads.
        (settings / "apps.json").write_text('{"technologies": {}, "categories": {}}')
        asked = run(
            *("/usr/bin/python3", "-c", START),
            *("--url", f"{attacked.url}/", "--start", f"{attacked.url}{begin}"),
            *("--scope", "folder", *_left_out(attacked)),
            *("--header", f"Cookie: {'; '.join(f'{k}={v}' for k, v in cookies.items())}"),
            *("--header", "Sec-Fetch-Site: same-origin", "--header", "Accept-Encoding: identity"),
            *("--module", MODULES, "--level", "1", "--scan-force", "normal"),
            *("--max-scan-time", str(SECONDS_TO_LOOK), "--max-attack-time", str(SECONDS_A_MODULE)),
            *("--store-session", folder / "session", "--store-config", settings),
            *("--flush-session", "--no-bugreport", "--verbose", "0"),
            *("--format", "json", "--output", report),
            within=SECONDS_TO_LOOK + SECONDS_A_MODULE * (MODULES.count(",") + 3),
        )
        said = json.loads(report.read_text())
    counted = next((line for line in asked.splitlines() if "URLs and forms" in line), "?")
    print(f"   from {begin}: {counted.removeprefix('[*] ')}; {MODULES}", flush=True)
    return {
        f"{category} {each['method']} {each['path']} {each.get('parameter') or ''}: {each['info']}"
        for kind in ("vulnerabilities", "anomalies")
        for category, each_of in said[kind].items()
        for each in each_of
    }


def _left_out(attacked: Demo) -> list[str]:
    pairs = [("--exclude", f"{attacked.url}{path}*") for path in LEAVING_OUT]
    return [word for pair in pairs for word in pair]
