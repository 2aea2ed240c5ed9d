"""What the guide of the clinic's staff shows."""

from collections.abc import Callable
from dataclasses import replace

from domain.demo.staff import ADMINISTRATOR, SECRETARY
from e2e import states
from e2e.browsing import DESKTOP
from e2e.patient import Patient
from guide.camera import Marks, Shot
from guide.patient import at, on_the

WIDE = replace(DESKTOP, width=1060, height=700)
"""Where two columns have room."""
WHOLE = replace(DESKTOP, width=1280, height=800)
"""With the words of the tabs at the left."""
DESK = replace(DESKTOP, width=900, height=700)
CODE = "776 691"
"""Instead of the code, which is another each time."""


def desk(
    reach: Callable[[Patient], None],
    *shows: str,
    marks: Marks | None = None,
    email: str | None = SECRETARY.email,
    most: int = 310,
) -> Shot:
    return Shot(reach, email, shows or ("main",), marks, is_at_work=True, device=DESK, most=most)


def day_of_one(on: Patient) -> None:
    """Of a practitioner who has free times early in the day."""
    haddad = on.portal.value("SELECT id FROM practitioner WHERE last_name = 'Haddad'")
    on.opens(f"/clinique?intervenant={haddad}")


def invited(on: Patient) -> None:
    states.patient_invited(on)
    on.page.evaluate("(code) => { document.querySelector('.slip-code').textContent = code; }", CODE)


def incident(on: Patient) -> None:
    on.opens("/clinique/incidents/nouveau")


BOSS = ADMINISTRATOR.email
PICTURES = {
    "code": desk(states.staff_code, "main h1", "main form", email=None),
    "today": replace(
        desk(day_of_one, "body", marks=at("main .gap", "main .day-waiting"), most=640), device=WHOLE
    ),
    "book": desk(states.time_to_book, marks=on_the("Réserver"), most=0),
    "visit": desk(states.appointment_open, most=310),
    "invited": desk(invited, marks=on_the("Imprimer le feuillet"), most=400),
    "matching": replace(desk(states.newcomer_compared, most=330), device=WIDE),
    "inbox": desk(states.desk_inbox, marks=on_the("Écrire")),
    "letter": desk(states.desk_letter, most=560),
    "calendar": desk(states.calendar_week, marks=on_the("Retirer du temps"), most=420),
    "affected": desk(states.calendar_time_to_take_back),
    "access": desk(states.access_of_a_child, marks=on_the("Donner un accès")),
    "requests": desk(states.requests_waiting),
    "settings": desk(states.settings, email=BOSS),
    "incident": desk(incident, email=BOSS),
}
