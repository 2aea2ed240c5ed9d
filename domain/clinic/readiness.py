"""What a clinic must have said of itself before the portal opens: looked at when it starts."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.clinic.settings import LEGAL_AGES, ClinicSettings

YOUNGEST, OLDEST = 12, 19
PROVINCES = frozenset(
    ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")
)


def missing_in(clinic: ClinicSettings) -> list[str]:
    """Each setting that is missing or cannot be, and why it is needed; none: it may open.

    Whoever signs up is told who collects, whom to ask, and for how long it is kept: the law wants
    these said, and nothing may stand in for what the clinic left out.
    """
    is_told = {
        "name": bool(clinic.name.strip()),
        "address": bool(clinic.address.strip()),
        "phone": bool(clinic.phone.strip()),
        "email": bool(clinic.email.strip()),
        "retention_years": clinic.retention_years > 0,
        "province": clinic.province in PROVINCES,
        "time_zone": _is_zone(clinic.time_zone),
        "consent_age": clinic.consent_age is not None and YOUNGEST <= clinic.consent_age <= OLDEST,
    }
    return [f"{name}: {_why(name, clinic)}" for name, is_there in is_told.items() if not is_there]


def _why(name: str, clinic: ClinicSettings) -> str:
    return {
        "name": "who collects what is asked at sign-up",
        "address": "where who collects it is found",
        "phone": "whom to call to see, correct or refuse it",
        "email": "whom to write to, to see, correct or refuse it",
        "retention_years": "for how long it is kept, one year or more",
        "province": f"whose law holds, one of {' '.join(sorted(PROVINCES))}",
        "time_zone": "when a day begins, as in America/Toronto",
        "consent_age": f"from which age one consents to care alone, {YOUNGEST} to {OLDEST}"
        + (
            ""
            if clinic.province in LEGAL_AGES
            else ": the law of this province sets none, the clinic must"
        ),
    }[name]


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
