"""Lighthouse, as on a phone, over the pages that are opened most: the median of three runs."""

import json
import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from audit.portal import ROOT, Demo, demo
from e2e.addresses import step

LIGHTHOUSE = ROOT / "build/audit/node/node_modules/.bin/lighthouse"
RUNS = 3
LEAST = {"performance": 98, "accessibility": 100, "best-practices": 100}
CHROME = "--headless=new --disable-gpu --disable-dev-shm-usage"
WITHIN = 180
"""Seconds for one run."""


class Rows:
    """The demonstration's own, for the addresses of its pages."""

    def __init__(self, demo: Demo) -> None:
        self._database = demo.folder / "portal.sqlite"

    def value(self, sql: str, *values: object) -> Any:
        with closing(sqlite3.connect(self._database)) as connection:
            return connection.execute(sql, values).fetchone()[0]


def main() -> list[str]:
    with demo() as running:
        cookies = running.patient()
        return [
            found
            for name, path in pages(running).items()
            for found in measure(name, running.url + path, {} if name == "sign-in" else cookies)
        ]


def pages(running: Demo) -> dict[str, str]:
    rows = Rows(running)
    thread, patient = (
        rows.value(
            f"SELECT t.{column} FROM thread t JOIN patient p ON p.id = t.patient"
            " WHERE p.first_name = 'Heather' ORDER BY t.id LIMIT 1"
        )
        for column in ("id", "patient")
    )
    return {
        "sign-in": "/connexion",
        "dashboard": "/",
        "slots": step(rows, "creneau"),  # type: ignore[arg-type]
        "thread": f"/profils/{patient}/communications/{thread}",
    }


def measure(name: str, url: str, cookies: dict[str, str]) -> list[str]:
    httpx.get(url, cookies=cookies)  # the first to ask for a page waits for its template
    reports = [_run(url, cookies) for _ in range(RUNS)]
    figures = {key: median(key_of(each) for each in reports) for key, key_of in FIGURES.items()}
    print(f"   {name:<10}", *(f"{key} {value:g}" for key, value in figures.items()), flush=True)
    found = [
        f"{name}: {key} is {figures[key]:g}, at least {least} is wanted"
        for key, least in LEAST.items()
        if figures[key] < least
    ]
    found += [f"{name}: the page shifts by {figures['CLS']:g}"] if figures["CLS"] else []
    return found + sorted({f"{name}: {fault}" for each in reports for fault in _faults(each)})


def _run(url: str, cookies: dict[str, str]) -> dict[str, Any]:
    """Once more if it failed: a browser that would not start says nothing of the page."""
    try:
        return _once(url, cookies)
    except (subprocess.SubprocessError, ValueError, KeyError) as problem:
        print(f"   a run failed and is repeated: {problem}", flush=True)
        return _once(url, cookies)


def _once(url: str, cookies: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        report, headers = Path(folder) / "report.json", Path(folder) / "headers.json"
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers.write_text(json.dumps({"Cookie": sent} if sent else {}))
        subprocess.run(
            [
                LIGHTHOUSE,
                url,
                "--quiet",
                "--output=json",
                f"--output-path={report}",
                f"--only-categories={','.join(LEAST)}",
                f"--extra-headers={headers}",
                f"--chrome-flags={CHROME}{' --no-sandbox' if os.geteuid() == 0 else ''}",
            ],
            check=True,
            capture_output=True,
            timeout=WITHIN,
            env=os.environ | {"CHROME_PATH": os.environ.get("CHROME_PATH", "/usr/bin/chromium")},
        )
        told: dict[str, Any] = json.loads(report.read_text())
    if problem := told.get("runtimeError"):
        raise ValueError(problem["message"])
    if told["finalDisplayedUrl"] != url:
        raise ValueError(f"led to {told['finalDisplayedUrl']}")
    return told


def _score(category: str) -> Callable[[dict[str, Any]], float]:
    return lambda report: round(100 * report["categories"][category]["score"])


def _value(audit: str, digits: int = 0) -> Callable[[dict[str, Any]], float]:
    return lambda report: round(report["audits"][audit]["numericValue"], digits)


FIGURES: dict[str, Callable[[dict[str, Any]], float]] = {
    **{category: _score(category) for category in LEAST},
    "FCP ms": _value("first-contentful-paint"),
    "LCP ms": _value("largest-contentful-paint"),
    "TBT ms": _value("total-blocking-time"),
    "CLS": _value("cumulative-layout-shift", 3),
    "machine": lambda report: report["environment"]["benchmarkIndex"],
}


def _faults(report: dict[str, Any]) -> Iterator[str]:
    """What cost accessibility or good practice a point; speed is told in figures."""
    for category in ("accessibility", "best-practices"):
        for each in report["categories"][category]["auditRefs"]:
            audit = report["audits"][each["id"]]
            if each["weight"] and audit["score"] is not None and audit["score"] < 1:
                yield f"{each['id']}: {audit['title']}"
