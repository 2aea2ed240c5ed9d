"""Where the staff see who acts for whom, and what patients asked."""

from e2e.portal import Portal

FAMILIES = "('Milner', 'Levesque', 'Arsenault', 'Tran')"


def accesses(portal: Portal, first_name: str, rest: str = "") -> str:
    """Of someone of the demonstration."""
    id = portal.value(
        f"SELECT id FROM patient WHERE first_name = ? AND last_name IN {FAMILIES}"
        " ORDER BY last_name LIMIT 1",
        first_name,
    )
    return f"/clinique/patients/{id}/acces{rest}"


def grant(portal: Portal, first_name: str) -> str:
    return str(
        portal.value(
            "SELECT g.id FROM proxy_grant g JOIN patient p ON p.id = g.patient WHERE"
            " p.first_name = ? AND g.relationship <> 'self' AND g.withdrawn_at IS NULL",
            first_name,
        )
    )


def request(portal: Portal, kind: str) -> str:
    id = portal.value(
        "SELECT id FROM clinic_request WHERE kind = ? ORDER BY asked_at DESC LIMIT 1", kind
    )
    return f"/clinique/demandes/{id}"
