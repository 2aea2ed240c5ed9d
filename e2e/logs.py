"""What the portal's process logs while a story is told: the words of people are not in it."""

import logging

from domain.demo.data.people import HEATHER, PASSWORD

NEVER = (PASSWORD, HEATHER.email, "Milner", "Heather", "Nathan", "Fièvre", "_csrf_token")
"""Typed, shown or sent in almost every story."""


class Ear(logging.Handler):
    """Hears every line of the process, whoever logs it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def told(self) -> list[str]:
        """The lines that hold what no line may."""
        return [line for line in self.lines if any(word in line for word in NEVER)]
