from datetime import date, datetime

from domain.clinic.settings import ClinicSettings


def day_of_age(birth_date: date, age: int) -> date:
    """The birthday on which someone reaches an age; born on 29 February, 1 March counts."""
    year = birth_date.year + age
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def is_of_age(birth_date: date, clinic: ClinicSettings, now: datetime) -> bool:
    """From 00:00 clinic time of that day. Without the setting, everyone is: access closes."""
    if clinic.consent_age is None:
        return True
    return clinic.today(now) >= day_of_age(birth_date, clinic.consent_age)


def may_sign_up(birth_date: date, clinic: ClinicSettings, now: datetime) -> bool:
    """Without the setting nobody may: nothing opens."""
    return clinic.consent_age is not None and is_of_age(birth_date, clinic, now)
