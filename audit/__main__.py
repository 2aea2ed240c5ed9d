"""`python -m audit [part…]`: every part, or those named. A finding without a reason fails."""

import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module

from audit.accepted import Accepted

PARTS = (
    "code",
    "secrets",
    "locks",
    "sbom",
    "fuzz",
    "wapiti",
    "sqlmap",
    "html",
    "accessibility",
    "journeys",
    "lighthouse",
    "network",
)


def main(names: list[str]) -> int:
    if unknown := set(names) - set(PARTS):
        print(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
        return 2
    accepted = Accepted.read()
    open_ones = 0
    for name in names or PARTS:
        print(f"== {name}", flush=True)
        found = _work_of(name)()
        reasons = Counter(accepted.reason(name, each) for each in found)
        for reason, count in reasons.items():
            if reason:
                print(f"   {count} stand: {reason}")
        for each in found:
            if not accepted.reason(name, each):
                print(f"   NOT EXPLAINED: {each}")
        print(f"   {len(found)} found, {reasons['']} not explained", flush=True)
        open_ones += reasons[""]
    if not names and (stale := accepted.unused()):
        print("Accepted, and no longer found:", *stale, sep="\n   ")
    print(f"== {open_ones} findings not explained")
    return 1 if open_ones else 0


def _work_of(name: str) -> Callable[[], list[str]]:
    return import_module(f"audit.{name}").main  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
