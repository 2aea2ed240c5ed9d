"""A booking's choices as its URL says them, and back."""

from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request

from domain import texts
from domain.appointments.choices import ANYONE, STEPS, Choices, Kind, Step
from domain.appointments.rules import LONGEST_REASON
from domain.errors import NotFound

KINDS: dict[str, Kind] = {"reservation": "regular", "urgence": "urgent"}
FOLDERS = {kind: folder for folder, kind in KINDS.items()}
PATHS: dict[Step, str] = {
    "specialty": "specialite",
    "practitioner": "intervenant",
    "site": "lieu",
    "visit_type": "type",
    "moment": "moment",
    "reason": "motif",
    "slot": "creneau",
}
ANYONE_TEXT = "tous"
SOONEST_TEXT = "des-que-possible"
HALVES = {"matin": "morning", "apres-midi": "afternoon"}


def read_choices(request: Request[Any, Any, Any]) -> Choices:
    folder = request.url.path.split("/")[3]
    query = request.query_params
    if any(len(query.getall(name)) > 1 for name in query):
        raise NotFound
    practitioner = query.get("intervenant", "")
    moment = query.get("moment", "")
    return Choices(
        kind=KINDS[folder],
        specialty=_id(query.get("specialite", "")),
        practitioner="anyone" if practitioner == ANYONE_TEXT else _id(practitioner),
        site=_id(query.get("lieu", "")),
        visit_type=_id(query.get("type", "")),
        moment="soonest" if moment == SOONEST_TEXT else day(moment),
        # Longer than any form lets through, it was put there by hand.
        reason=query.get("motif", "").strip()[: 2 * LONGEST_REASON] or None,
    )


def start_url(patient: UUID, choices: Choices) -> str:
    return _url(_folder(patient, choices), choices)


def step_url(patient: UUID, choices: Choices, step: Step, **extra: object) -> str:
    return _url(f"{_folder(patient, choices)}/{PATHS[step]}", choices, **extra)


def next_url(patient: UUID, choices: Choices, step: Step) -> str:
    """Straight to the next step; by way of the start when later ones were already answered."""
    steps = STEPS[choices.kind]
    following = choices.after(step)
    if any(choices.has(later) for later in steps[steps.index(following) :]):
        return start_url(patient, choices)
    return step_url(patient, choices, following)


def reason_url(patient: UUID, choices: Choices) -> str:
    """Back to the form that asked for the reason, which says what is wrong with it."""
    step: Step = "reason" if choices.is_urgent else "moment"
    return step_url(patient, choices, step, continuer=1)


def hold_url(patient: UUID, choices: Choices) -> str:
    return _url(f"{_folder(patient, choices)}/retenue", choices)


def card_url(patient: UUID, choices: Choices, slot: UUID) -> str:
    return _url(f"{_folder(patient, choices)}/confirmation", choices, creneau=slot)


def week_url(
    patient: UUID, choices: Choices, monday: date, opened: tuple[date, str] | None = None
) -> str:
    whole = {"entier": f"{opened[0]}-{opened[1]}"} if opened else {}
    return step_url(patient, choices, "slot", semaine=monday, **whole)


def opened_half(text: str) -> tuple[date, str] | None:
    asked = day(text[:10])
    return (asked, HALVES[text[11:]]) if asked and text[11:] in HALVES else None


def day(text: str) -> date | None:
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return None
    # A year beyond these only ever comes from an altered URL, and overflows a calendar's ends.
    return asked if 1900 < asked.year < 2200 else None


def slot_id(text: str) -> UUID:
    found = _id(text)
    if found is None:
        raise NotFound
    return found


def _id(text: str) -> UUID | None:
    found = texts.read_id(text)
    if text and found is None:
        raise NotFound
    return found


def _folder(patient: UUID, choices: Choices) -> str:
    return f"/profils/{patient}/{FOLDERS[choices.kind]}"


def _url(path: str, choices: Choices, **extra: object) -> str:
    query = query_of(choices) | {name: str(value) for name, value in extra.items()}
    return f"{path}?{urlencode(query)}" if query else path


def query_of(choices: Choices) -> dict[str, str]:
    moment: date | Literal["soonest"] | None = choices.moment
    values = {
        "specialite": choices.specialty,
        "intervenant": ANYONE_TEXT if choices.practitioner == ANYONE else choices.practitioner,
        "lieu": choices.site,
        "type": choices.visit_type,
        "moment": SOONEST_TEXT if moment == "soonest" else moment,
        "motif": choices.reason,
    }
    return {name: str(value) for name, value in values.items() if value}
