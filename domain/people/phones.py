import phonenumbers

HERE, DIGITS = 1, 10  # without its area code a number is of no use to the clinic
KINDS = ("mobile", "landline", "work", "home", "other")


def problems(field: str, number: str, kind: str, *, is_required: bool) -> dict[str, str]:
    """What is wrong with a number and its kind, by the names of a form's two fields."""
    found: dict[str, str] = {}
    if not number.strip():
        found |= {field: "missing"} if is_required else {}
    elif e164(number) is None:
        found[field] = "odd"
    return found if kind in KINDS else found | {f"{field}_type": "odd"}


def e164(text: str) -> str | None:
    """Any common Canadian way to type a number; None if it is none."""
    try:
        number = phonenumbers.parse(text, "CA")
    except phonenumbers.NumberParseException:
        return None
    # Not « valid »: which exchanges exist changes, and a mistyped digit shows when read back.
    is_local = number.country_code == HERE and len(str(number.national_number)) != DIGITS
    if not phonenumbers.is_possible_number(number) or number.extension or is_local:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def as_typed(number: str) -> str:
    """A kept number as people here would type it."""
    try:
        parsed = phonenumbers.parse(number, "CA")
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL))
