import phonenumbers

KINDS = ("mobile", "landline", "work", "home", "other")


def e164(text: str) -> str | None:
    """Any common Canadian way to type a number; None if it is none."""
    try:
        number = phonenumbers.parse(text, "CA")
    except phonenumbers.NumberParseException:
        return None
    # Not « valid »: which exchanges exist changes, and a mistyped digit shows when read back.
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
