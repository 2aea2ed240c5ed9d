"""R13: which passwords are too easy to guess. The rule is one function; the forms only ask it."""

import time

import pytest
from argon2 import PasswordHasher

from domain.accounts import password_rules
from domain.accounts.passwords import Passwords
from domain.errors import TooBusy
from tests.world import PASSWORDS

LEET = "4@8({[<369!1|70$5+x%2"
EMAIL = "heather.milner@example.com"
NAMES = ["Clinique des Érables", "Heather Milner", "Nathan Milner"]

WORDS = """
    Bonjour2026! Clinique1! Motdepasse1! Password1! Soleil123! Azerty12! Qwerty123! Montreal1!
    Heather1989! Portail2026! Printemps2026! Hiver2025! Canada123! Medecin1! Aaaaaa1! Abcd1234!
    P@ssw0rd1 Bienvenue1! Chouchou1! Jetaime1! Nordiques1! Erables2026! Nathan2017! Milner123!
    Motdepasse2026! Quebec2026! Automne2026! Patient1! Docteur1! Maison123! Famille1! Amour2026!
    Welcome123! Summer2026! Qwertyuiop1! 1234Abcd! Admin123! Azertyuiop1! Sherbrooke1! Médecin26!
    Portail-2026! Erables_2026!
"""
REFUSED = WORDS.split()
ACCEPTED = [
    "Tulipe-42-Nord",
    "correct Horse 7!",
    "Été-à-Gaspé-81",
    "Gélinotte*58brume",
    "Trois caribous, 1 lac",
    "7 Phoques sur la glace",
    "Vélo-rouillé_Matane6",
    "xK9$mQ2pLw4z",
    "Crêpe#Boréale 19 tic",
    "Zibeline+Ozone=3 tasses",
]


@pytest.mark.parametrize("password", REFUSED)
async def test_easily_guessed_password_is_refused(password: str) -> None:
    assert (
        await password_rules.problem(password, email=EMAIL, about=NAMES, passwords=PASSWORDS) != ""
    )


@pytest.mark.parametrize("password", ACCEPTED)
async def test_good_password_is_accepted(password: str) -> None:
    assert (
        await password_rules.problem(password, email=EMAIL, about=NAMES, passwords=PASSWORDS) == ""
    )


def test_there_are_enough_of_each() -> None:
    assert (len(set(REFUSED)), len(set(ACCEPTED))) == (42, 10)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "missing"),
        ("Aé1!aaa", "too_short"),
        ("Tu-42-No" + "x" * 121, "too_long"),
        ("TULIPE-42-NORD", "no_lower"),
        ("tulipe-42-nord", "no_upper"),
        ("Tulipe-du-Nord", "no_digit"),
        ("Tulipe42Nord", "no_special"),
        ("Heather-42-Nord", "has_email"),
        ("milner#Tulipe42", "has_email"),
        ("Tulipe 42 Nord", ""),
        ("      Aa1", "common"),
        ("Tulipe-42-Nord" + "x" * 50, ""),
    ],
)
async def test_each_problem_has_its_name(password: str, code: str) -> None:
    assert await password_rules.problem(password, email=EMAIL, passwords=PASSWORDS) == code


async def test_length_is_counted_in_characters_however_accents_are_typed() -> None:
    decomposed = "E\u0301te\u0301-42!"  # seven characters, nine code points
    assert await password_rules.problem(decomposed, email=EMAIL, passwords=PASSWORDS) == "too_short"


async def test_a_very_long_password_is_refused_at_once() -> None:
    assert (
        await password_rules.problem("Aa1!" * 250_000, email=EMAIL, passwords=PASSWORDS)
        == "too_long"
    )


async def test_both_fields_must_be_the_same_but_for_how_an_accent_is_typed() -> None:
    good = "Été-à-Gaspé-81"
    nfd = "E\u0301te\u0301-a\u0300-Gaspe\u0301-81"
    assert await password_rules.problems(good, nfd, email=EMAIL, passwords=PASSWORDS) == {}
    for again in ("", good + " ", good.lower()):
        assert await password_rules.problems(good, again, email=EMAIL, passwords=PASSWORDS) == {
            "confirmation": "different"
        }
    assert await password_rules.problems("x", "y", email=EMAIL, passwords=PASSWORDS) == {
        "mot_de_passe": "too_short",
        "confirmation": "different",
    }


@pytest.mark.parametrize("costly", [LEET * 3 + "aA", LEET[::-1] * 6, "aA" + "4@({[<691!|7$5+" * 8])
async def test_signs_that_may_be_letters_do_not_make_the_look_costly(costly: str) -> None:
    """Each of them took six seconds once, of all who sign in."""
    await password_rules.problem("Aa1!bcde", email=EMAIL, passwords=PASSWORDS)  # reads the lists
    began = time.process_time()
    await password_rules.problem(costly, email=EMAIL, passwords=PASSWORDS)
    assert time.process_time() - began < 0.5


async def test_costly_look_takes_one_place_in_the_queue_and_only_when_all_else_is_right() -> None:
    for password, places in (("Tulipe-42-Nord", 1), ("Tulipe-du-Nord", 0), ("Milner-42-Nord", 0)):
        before = PASSWORDS.calls
        await password_rules.problem(password, email=EMAIL, passwords=PASSWORDS)
        assert (password, PASSWORDS.calls - before) == (password, places)


@pytest.mark.parametrize("without", [None, ""])
async def test_without_a_hash_no_password_is_right(without: str | None) -> None:
    """Not even the one that is verified in its stead, for the time it takes."""
    assert not await PASSWORDS.verify(without, "no one has this password")
    assert not await PASSWORDS.verify(without, "")


async def test_costly_look_is_refused_when_the_queue_is_full() -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    full = Passwords(hasher, at_once=0, queue=0)
    with pytest.raises(TooBusy):
        await password_rules.problem("Tulipe-42-Nord", email=EMAIL, passwords=full)
    assert await password_rules.problem("Tulipe-42-Nord", email=EMAIL, passwords=None) == ""
