"""Where a page of the demonstration is, for those who do not come by way of the others."""

from urllib.parse import urlencode

from e2e.portal import Portal

FAMILIES = ("Milner", "Levesque", "Roy")


def profile(portal: Portal, first_name: str = "Heather") -> str:
    families = ", ".join("?" for _ in FAMILIES)
    id = portal.value(
        f"SELECT id FROM patient WHERE first_name = ? AND last_name IN ({families})",
        first_name,
        *FAMILIES,
    )
    return f"/profils/{id}"


def step(
    portal: Portal, path: str, answered: int = 5, /, *, of: str = "Heather", **changed: str
) -> str:
    """A step of regular booking, so many steps before it being answered."""
    id = portal.value
    choices = {
        "specialite": id("SELECT id FROM specialty WHERE name_fr = 'Médecine de famille'"),
        "intervenant": id("SELECT id FROM practitioner WHERE last_name = 'Roy'"),
        "lieu": id("SELECT id FROM site WHERE name LIKE '%Rosemont'"),
        "type": id("SELECT id FROM visit_type WHERE name_fr = 'Suivi médical'"),
        "moment": "des-que-possible",
    }
    query = {**dict(list(choices.items())[:answered]), **changed}
    return f"{profile(portal, of)}/reservation/{path}?{urlencode(query)}"
