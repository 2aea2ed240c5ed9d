"""A reply's or a new message's text, as it may be sent."""

from domain.errors import Invalid
from domain.messages.rules import LONGEST_BODY
from domain.texts import read


def check(text: str, *, has_agreed: bool) -> str:
    """The text as it is kept; lengths are counted in its code points."""
    body = read(text)
    problems = {}
    if not has_words(body):
        problems["texte"] = "missing"
    elif len(body) > LONGEST_BODY:
        problems["texte"] = "too_long"
    if not has_agreed:
        problems["lu"] = "missing"
    if problems:
        raise Invalid(problems)
    return body


def has_words(text: str) -> bool:
    """Something that can be seen, be it one sign."""
    return any(letter.isprintable() and not letter.isspace() for letter in text)
