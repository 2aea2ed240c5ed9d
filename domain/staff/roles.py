"""Who of the staff may do what. Pure: the one answer that every staff page asks."""

from enum import StrEnum


class Role(StrEnum):
    SECRETARY = "secretary"
    PRACTITIONER = "practitioner"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What a route asks for; a practitioner has the first three for themself alone."""

    DAY = "day"
    CALENDAR = "calendar"
    """A practitioner's week: its slots, single days and absences."""
    MESSAGES = "messages"
    APPOINTMENTS = "appointments"
    PATIENTS = "patients"
    REQUESTS = "requests"
    OUTBOX = "outbox"
    TEMPLATES = "templates"
    """The weekly templates that slots are published from."""
    SETTINGS = "settings"
    STAFF = "staff"
    JOURNAL = "journal"
    INCIDENTS = "incidents"


OWN = frozenset({Right.DAY, Right.CALENDAR, Right.MESSAGES})
DESK = OWN | {Right.APPOINTMENTS, Right.PATIENTS, Right.REQUESTS, Right.OUTBOX}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.SECRETARY: DESK,
    Role.PRACTITIONER: OWN | {Right.TEMPLATES},
    Role.ADMINISTRATOR: frozenset(Right),
}


def may(role: Role, right: Right) -> bool:
    return right in RIGHTS[role]
