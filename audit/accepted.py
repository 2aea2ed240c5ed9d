"""What was looked at and stands, with why: `accepted.toml`."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

FILE = Path(__file__).with_name("accepted.toml")


@dataclass
class Accepted:
    reasons: dict[str, list[tuple[re.Pattern[str], str]]]
    """By part: what a finding's text begins with, and why it stands."""
    used: set[str] = field(default_factory=set)

    @classmethod
    def read(cls) -> Self:
        parts = tomllib.loads(FILE.read_text())
        return cls(
            {
                part: [(re.compile(entry["finding"]), entry["because"]) for entry in entries]
                for part, entries in parts.items()
            }
        )

    def reason(self, part: str, finding: str) -> str:
        for pattern, because in self.reasons.get(part, []):
            if pattern.match(finding):
                self.used.add(pattern.pattern)
                return because
        return ""

    def unused(self) -> list[str]:
        everything = [p.pattern for entries in self.reasons.values() for p, _ in entries]
        return [pattern for pattern in everything if pattern not in self.used]
