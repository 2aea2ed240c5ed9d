"""What a patient has chosen so far, and the steps that ask for it. No table, no clock."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal
from uuid import UUID

Kind = Literal["regular", "urgent"]
Step = Literal["specialty", "practitioner", "site", "visit_type", "moment", "reason", "slot"]

ANYONE = "anyone"

STEPS: dict[Kind, tuple[Step, ...]] = {
    "regular": ("specialty", "practitioner", "site", "visit_type", "moment", "slot"),
    "urgent": ("site", "visit_type", "reason", "slot"),
}
OFFER_STEPS: tuple[Step, ...] = ("specialty", "practitioner", "site", "visit_type")


@dataclass(frozen=True, slots=True)
class Choices:
    kind: Kind
    specialty: UUID | None = None
    practitioner: UUID | Literal["anyone"] | None = None
    site: UUID | None = None
    visit_type: UUID | None = None
    moment: date | Literal["soonest"] | None = None
    reason: str | None = None

    @property
    def is_urgent(self) -> bool:
        return self.kind == "urgent"

    @property
    def from_day(self) -> date | None:
        return self.moment if isinstance(self.moment, date) else None

    @property
    def first_missing(self) -> Step:
        return next(step for step in STEPS[self.kind] if not self.has(step))

    def has(self, step: Step) -> bool:
        if step == "slot":
            return False
        if step == "reason":
            return bool(self.reason)
        return getattr(self, step) is not None

    @property
    def has_offer(self) -> bool:
        """Whether every step that narrows down what is offered has its answer."""
        return all(self.has(step) for step in OFFER_STEPS if step in STEPS[self.kind])

    def before(self, step: Step) -> "Choices":
        """Only what was chosen in the steps before this one."""
        steps = STEPS[self.kind]
        later = steps[steps.index(step) :]
        blank: dict[str, Any] = {name: None for name in later if name != "slot"}
        return replace(self, **blank)

    def after(self, step: Step) -> Step:
        """The step to go to once this one is answered."""
        steps = STEPS[self.kind]
        return steps[steps.index(step) + 1]
