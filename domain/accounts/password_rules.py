"""What a new password must be: one function for every form that takes one."""

import re
import unicodedata
from collections.abc import Callable, Iterable

from domain.accounts.passwords import LONGEST, Passwords, normalized

SHORTEST = 8
STRONG_ENOUGH = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses
# zxcvbn tries every reading of digits and signs as letters, and every stretch of the text: 72 such
# characters took six seconds, these take less than a tenth. So many suffice to be strong.
EXAMINED = 24
# Several signs for one letter multiply the readings: one of them stands for the others.
SIGNS = str.maketrans("{[<|", "(((!")
# Words that people of this place begin with, which lists of passwords in English lack.
EXPECTED = """
    portail patient clinique medecin docteur sante hopital rendezvous motdepasse bonjour bonsoir
    soleil amour chouchou doudou loulou coucou azerty printemps automne hiver ete bienvenue secret
    quebec montreal canada canadiens nordiques laval gatineau sherbrooke maison famille papa maman
"""
CONDITIONS: dict[str, Callable[[str], bool]] = {
    "too_short": lambda text: len(text) >= SHORTEST,
    "no_lower": lambda text: any(letter.islower() for letter in text),
    "no_upper": lambda text: any(letter.isupper() for letter in text),
    "no_digit": lambda text: any(letter.isdecimal() for letter in text),
    "no_special": lambda text: any(_is_special(letter) for letter in text),
}


async def problem(
    password: str, *, email: str, about: Iterable[str] = (), passwords: Passwords | None
) -> str:
    """The code of the first thing wrong, or ''. `about`: names that make a poor password.

    How easily it is guessed is costly to say, and waits in the queue of `passwords`; without them
    (something else is wrong already, or nobody was counted yet) it is not looked at.
    """
    text = normalized(password)
    if not text:
        return "missing"
    if len(text) > LONGEST:
        return "too_long"
    for code, holds in CONDITIONS.items():
        if not holds(text):
            return code
    plain = _plain(text)
    if any(word in plain for word in _words(email.rpartition("@")[0])):
        return "has_email"
    if passwords is None:
        return ""
    words = [word for name in (email, *about) for word in _words(name)]
    return "" if await passwords.run(_is_strong, text, words) else "common"


async def problems(
    password: str,
    again: str,
    *,
    email: str,
    about: Iterable[str] = (),
    passwords: Passwords | None,
) -> dict[str, str]:
    """What is wrong with a password chosen in a form, by the names of the form's two fields."""
    code = await problem(password, email=email, about=about, passwords=passwords)
    found = {"mot_de_passe": code} if code else {}
    if normalized(password) != normalized(again):
        found["confirmation"] = "different"
    return found


def _is_special(letter: str) -> bool:
    return not (letter.isdecimal() or letter.islower() or letter.isupper())


def _is_strong(text: str, words: list[str]) -> bool:
    from zxcvbn import zxcvbn  # its lists take a few megabytes: only where passwords are chosen

    # One expected word stays poor whatever stands round it.
    if re.sub(r"[^a-z]", "", _plain(text)) in {*words, *EXPECTED.split()}:
        return False
    # Its lists have no accents: with them, no word of this place would be found.
    examined = _unaccented(text)[:EXAMINED].translate(SIGNS)
    found = zxcvbn(examined, user_inputs=[*words, *EXPECTED.split()])
    return int(found["score"]) >= STRONG_ENOUGH


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z]+", _plain(name)) if len(word) >= 4]


def _plain(text: str) -> str:
    """Without accents or capitals."""
    return _unaccented(text).lower()


def _unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
