from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class State(StrEnum):
    WELL = "ok"
    DOUBTFUL = "look"
    WRONG = "FAIL"
    UNKNOWN = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a subject; never a secret, nor a word of a patient's."""

    subject: str
    state: State
    told: str
    advice: str = ""

    @classmethod
    def well(cls, subject: str, told: str) -> Self:
        return cls(subject, State.WELL, told)

    @classmethod
    def doubtful(cls, subject: str, told: str, advice: str) -> Self:
        return cls(subject, State.DOUBTFUL, told, advice)

    @classmethod
    def wrong(cls, subject: str, told: str, advice: str) -> Self:
        return cls(subject, State.WRONG, told, advice)

    @classmethod
    def unknown(cls, subject: str, told: str, advice: str = "") -> Self:
        return cls(subject, State.UNKNOWN, told, advice)
