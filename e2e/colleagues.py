"""A clinic of more practitioners than a list can name."""

from uuid import uuid4

from domain.desk.practitioners import MOST_LISTED
from e2e.portal import Portal

BY_NAME = "Un autre intervenant, par son nom"


def many(portal: Portal) -> None:
    """Two more of them called Roy."""
    for n in range(MOST_LISTED):
        portal.change(
            "INSERT INTO practitioner (id, title, first_name, last_name, specialty, room_url,"
            " ended_by, version) SELECT ?, 'Dr', 'Hugo', ?, specialty, '', '', 1"
            " FROM practitioner WHERE last_name = 'Roy' AND first_name = 'Isabelle'",
            str(uuid4()),
            "Roy" if n < 2 else f"Zola-{n}",
        )
