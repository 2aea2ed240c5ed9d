"""The visits of the demonstration, as times before or after the moment it is made."""

from typing import Literal, NamedTuple

from domain.demo.data.clinic import (
    CHECK_UP,
    CHILD,
    FOLLOW_UP,
    RENEWAL,
    SAME_DAY,
    SAME_DAY_CHILD,
    SPECIALIST,
    VIRTUAL,
)

Outcome = Literal["booked", "confirmed", "cancelled"]


class Past(NamedTuple):
    patient: str
    practitioner: str
    visit_type: str
    days_ago: int
    """On the practitioner's last such day by then."""
    outcome: Outcome
    reason: str


PAST = (
    Past("heather", "roy", FOLLOW_UP, 24, "confirmed", "Résultats de la prise de sang"),
    Past("heather", "roy", VIRTUAL, 96, "confirmed", ""),
    Past("heather", "lavoie", SPECIALIST, 171, "confirmed", ""),
    Past("heather", "nguyen", SAME_DAY, 243, "booked", "Mal de gorge et fièvre depuis deux jours"),
    Past("heather", "roy", RENEWAL, 318, "cancelled", ""),
    Past("heather", "roy", CHECK_UP, 402, "confirmed", "Examen annuel"),
    Past("heather", "cote", SPECIALIST, 655, "confirmed", "Grain de beauté à faire examiner"),
    Past("heather", "roy", CHECK_UP, 778, "confirmed", "Examen annuel"),
    Past("nathan", "haddad", CHILD, 83, "confirmed", ""),
    Past("nathan", "gagnon", SAME_DAY_CHILD, 290, "booked", "Otite possible, douleur à l’oreille"),
    Past("nathan", "haddad", CHILD, 455, "confirmed", "Vaccin"),
)


class Coming(NamedTuple):
    """A visit at the free time nearest to `target`, between two bounds; all in hours from now."""

    patient: str
    visit_types: tuple[str, ...]
    practitioner: str | None
    target: int
    earliest: int
    latest: int
    booked_ago: int
    reason: str


# « Accès adapté » is open every day, so that these two exist at any hour of any week.
TO_DECIDE = Coming("heather", (SAME_DAY,), None, 60, 49, 71, 50, "Douleur au genou")
TO_CONFIRM = Coming("heather", (SAME_DAY,), None, 30, 1, 47, 20, "Toux qui dure depuis dix jours")
CONFIRMED = Coming("heather", (FOLLOW_UP, SAME_DAY), None, 14, 2, 47, 75, "Douleur au poignet")
CANCELLED = Coming("heather", (FOLLOW_UP,), None, 130, 97, 264, 96, "")
TO_CANCEL = Coming("heather", (FOLLOW_UP,), "roy", 240, 192, 312, 144, "Fatigue persistante")
REMOTE = Coming("heather", (VIRTUAL,), None, 384, 312, 504, 216, "")
CHILDS = Coming("nathan", (CHILD,), None, 150, 97, 264, 2, "Suivi annuel")
COMING = (TO_DECIDE, TO_CONFIRM, CONFIRMED, CANCELLED, TO_CANCEL, REMOTE, CHILDS)

CONFIRMED_AFTER = 3
"""Hours from the opening of the window."""
CANCELLED_AGO = 3

URGENT_REASONS = (
    "Fièvre depuis hier soir",
    "Mal de gorge",
    "Douleur à l’oreille",
    "Éruption sur les bras",
    "Toux qui empêche de dormir",
    "Brûlure en urinant",
    "Mal de dos depuis trois jours",
    "Œil rouge et collé",
)
REASONS = ("", "", "", "Suivi annuel", "Résultats d’examens", "Fatigue", "Douleur à l’épaule")

# How much of each coming week is taken, and of the days just past.
SHARES = (0.51, 0.49, 0.36, 0.22, 0.14, 0.09, 0.06, 0.04, 0.03, 0.02, 0.01, 0.01)
PAST_SHARE = 0.5
PAST_DAYS = 10
"""Fewer than the days since any of the visits above."""
