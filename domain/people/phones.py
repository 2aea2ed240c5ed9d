import phonenumbers

HERE, DIGITS = 1, 10  # without its area code a number is of no use to the clinic
KINDS = ("mobile", "landline", "work", "home", "other")


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
