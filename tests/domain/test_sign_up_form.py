"""What may be typed to sign up: dates, numbers, names, addresses, and the age one must have."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.accounts import addresses, password_rules, sign_up_form
from domain.accounts.sign_up_form import Applicant
from domain.clinic.settings import ClinicSettings
from domain.errors import Invalid, TooYoung
from domain.people import birth_dates, health_numbers, names
from tests.web.routes import NEWCOMER
from tests.world import NOW, PASSWORDS
from web.portal import NO_CLINIC

TODAY = date(2026, 11, 23)
CLINIC = replace(NO_CLINIC, consent_age=14)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (("1989", "4", "27"), "1989-04-27"),
        ((" 1989 ", "04", "07"), "1989-04-07"),
        (("1989", "avril", "27"), "1989-04-27"),
        (("1989", "AVRIL", "27"), "1989-04-27"),
        (("1989", "April", "27"), "1989-04-27"),
        (("1989", "avr.", "27"), "1989-04-27"),
        (("1989", "février", "1"), "1989-02-01"),
        (("1989", "fevrier", "1"), "1989-02-01"),
        (("1989", "fe\u0301v.", "1"), "1989-02-01"),
        (("1989", "août", "1"), "1989-08-01"),
        (("1989", "Aug", "1"), "1989-08-01"),
        (("1989", "juil.", "1"), "1989-07-01"),
        (("1989", "juin", "1"), "1989-06-01"),
        (("1989", "May", "1"), "1989-05-01"),
        (("1989", "mai", "1"), "1989-05-01"),
        (("1989", "mars", "1"), "1989-03-01"),
        (("1989", "déc", "31"), "1989-12-31"),
        (("1988", "2", "29"), "1988-02-29"),
        (("1900", "1", "1"), "1900-01-01"),
        (("2026", "11", "23"), "2026-11-23"),
        (("", "", ""), "year missing"),
        (("", "4", "27"), "year no_year"),
        (("1989", " ", "27"), "month no_month"),
        (("1989", "4", ""), "day no_day"),
        (("89", "4", "27"), "year odd_year"),
        (("1989½", "4", "27"), "year odd_year"),
        (("19 9", "4", "27"), "year odd_year"),
        (("1989", "13", "27"), "month odd_month"),
        (("1989", "0", "27"), "month odd_month"),
        (("1989", "ju", "27"), "month odd_month"),
        (("1989", "jui", "27"), "month odd_month"),
        (("1989", "avrill", "27"), "month odd_month"),
        (("1989", ".", "27"), "month odd_month"),
        (("1989", "4", "x"), "day odd_day"),
        (("1989", "4", "-1"), "day odd_day"),
        (("1989", "4", "9" * 5000), "day odd_day"),
        (("1989", "2", "29"), "day no_such_day"),
        (("1989", "4", "31"), "day no_such_day"),
        (("1989", "4", "0"), "day no_such_day"),
        (("2026", "11", "24"), "year in_the_future"),
        (("1899", "12", "31"), "year long_ago"),
        (("0000", "1", "1"), "day no_such_day"),
    ],
)
def test_birth_date_is_read_as_people_write_it_and_the_missing_part_is_named(
    typed: tuple[str, str, str], read: str
) -> None:
    found, part, problem = birth_dates.read(*typed, TODAY)
    assert (found.isoformat() if found else f"{part} {problem}") == read


@pytest.mark.parametrize(
    ("typed", "province", "kept"),
    [
        ("TREM 8904 2714", "QC", "TREM 8904 2714"),
        ("trem89042714", "QC", "TREM 8904 2714"),
        (" trem-8904-2714 ", "QC", "TREM 8904 2714"),
        ("TREM\u00a08954\u00a02714", "QC", "TREM 8954 2714"),  # a woman's month
        ("TREM 8862 3114", "QC", "TREM 8862 3114"),
        ("TREM 0002 2914", "QC", "TREM 0002 2914"),  # 2000 was a leap year, 1900 was not
        ("TREM 8913 2714", "QC", None),
        ("TREM 8950 2714", "QC", None),
        ("TREM 8963 2714", "QC", None),
        ("TREM 8904 3114", "QC", None),
        ("TREM 8900 0114", "QC", None),
        ("TRE 8904 27145", "QC", None),
        ("ÉREM 8904 2714", "QC", None),
        ("TREM 8904 271", "QC", None),
        ("TREM ٨٩٠٤ ٢٧١٤", "QC", None),
        ("9876-543-210 AB", "ON", "9876-543-210 AB"),
        ("1" * 20, "ON", "1" * 20),
        ("1" * 21, "ON", None),
    ],
)
def test_health_number_has_the_form_of_its_province(
    typed: str, province: str, kept: str | None
) -> None:
    assert health_numbers.read(typed, province) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Jean\t Marc ", "Jean Marc"),
        ("O’Neil-D'Amour", "O’Neil-D'Amour"),
        ("Zoe\u0301", "Zoé"),
        ("Zo\u202eé\u2066\u200b\ufeff\u00ad", "Zoé"),
        ("Zoé\r\nBcc: x", "Zoé Bcc: x"),
        ("a\0b", "a b"),
        ("क्\u200dष", "क्\u200dष"),
        ("张伟", "张伟"),
        ("\u202e\u200b \t", ""),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_name_loses_what_is_not_seen_and_nothing_else(typed: str, kept: str) -> None:
    assert names.read(typed) == kept


@pytest.mark.parametrize(
    ("typed", "sent_to"),
    [
        (" Zoe.T+x@Exemple.CA ", "Zoe.T+x@Exemple.CA"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("zoe@clinique-é.ca", "zoe@xn--clinique--j4a.ca"),
        # What a mail server would take for another mailbox, or for two, or not at all.
        ("zoe(x)@example.com", ""),
        ('"zoe"@example.com', ""),
        ("zoe,bob@example.com", ""),
        ("zoe;bob@example.com", ""),
        ("zoe bob@example.com", ""),
        ("Zoé <zoe@example.com>", ""),
        ("zoe..t@example.com", ""),
        (".zoe@example.com", ""),
        ("zoé@example.com", ""),
        ("zoe@example.com\r\nbcc:x@example.com", ""),
        ("zoe@localhost", ""),
        ("zoe@@example.com", ""),
        ("zoe", ""),
    ],
)
def test_address_is_one_that_a_mail_can_be_sent_to(typed: str, sent_to: str) -> None:
    assert addresses.sendable(typed) == sent_to


async def read(
    changes: Mapping[str, str], clinic: ClinicSettings = CLINIC, now: datetime = NOW
) -> Applicant:
    return await sign_up_form.read({**NEWCOMER, **changes}, clinic, "fr", now, judge=lenient)


async def lenient(*_: object) -> str:
    return ""


async def problems(changes: Mapping[str, str], clinic: ClinicSettings = CLINIC) -> dict[str, str]:
    try:
        await read(changes, clinic)
    except Invalid as refusal:
        return refusal.problems
    return {}


async def test_applicant_is_kept_in_one_form() -> None:
    applicant = await read({"autre_telephone": "(204) 234-5678"})
    assert replace(applicant, password="") == Applicant(
        email="zoe@example.com",
        email_canonical="zoe@example.com",
        password="",
        first_name="Zoé",
        last_name="Tremblay",
        birth_date=date(1989, 4, 27),
        health_number="TREZ 8954 2714",
        phone="+15145550199",
        phone_kind="mobile",
        other_phone="+12042345678",
        other_phone_kind="work",
        language="fr",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"courriel": " "}, {"courriel": "missing"}),
        ({"courriel": "zoe@"}, {"courriel": "odd", "courriel_confirmation": "different"}),
        ({"courriel": "zoe@", "courriel_confirmation": "zoe@"}, {"courriel": "odd"}),
        (
            {"courriel": "", "courriel_confirmation": ""},
            {"courriel": "missing", "courriel_confirmation": "missing"},
        ),
        (
            {"courriel": "zoe@", "courriel_confirmation": ""},
            {"courriel": "odd", "courriel_confirmation": "missing"},
        ),
        ({"courriel_confirmation": ""}, {"courriel_confirmation": "missing"}),
        ({"courriel_confirmation": "zoe@example.org"}, {"courriel_confirmation": "different"}),
        ({"courriel_confirmation": " ZOE@Example.COM"}, {}),
        ({"mot_de_passe": ""}, {"mot_de_passe": "missing"}),
        ({"mot_de_passe": "Zoe-2026-Nord", "confirmation": "Zoe-2026-nord"}, {}),
        ({"confirmation": ""}, {"confirmation": "different"}),
        ({"prenom": ""}, {"prenom": "missing"}),
        ({"nom": "\u202e"}, {"nom": "missing"}),
        ({"nom": "x" * 80}, {}),
        ({"nom": "x" * 81}, {"nom": "too_long"}),
        ({"naissance_mois": ""}, {"naissance_mois": "no_month"}),
        ({"naissance_jour": "32"}, {"naissance_jour": "no_such_day"}),
        ({"numero_sante": ""}, {}),
        ({"numero_sante": "TREM"}, {"numero_sante": "odd"}),
        ({"telephone": ""}, {"telephone": "missing"}),
        ({"telephone": "514 555"}, {"telephone": "odd"}),
        ({"autre_telephone": "5"}, {"autre_telephone": "odd"}),
        ({"telephone_type": "fax"}, {"telephone_type": "odd"}),
        ({"autre_telephone_type": ""}, {"autre_telephone_type": "odd"}),
    ],
)
async def test_each_field_says_what_is_wrong_with_it(
    changes: dict[str, str], expected: dict[str, str]
) -> None:
    if "mot_de_passe" in changes:
        expected = {**expected, "confirmation": "different"}
    assert await problems(changes) == expected


async def test_everything_wrong_is_said_at_once_in_the_order_of_the_form() -> None:
    async def strict(password: str, email: str, about: tuple[str, ...]) -> str:
        assert (password, email) == (NEWCOMER["mot_de_passe"], "zoe@")
        assert about == ("", "Tremblay", CLINIC.name)
        return "common"

    changes = {"courriel": "zoe@", "confirmation": "x", "prenom": "", "telephone": "5"}
    with pytest.raises(Invalid) as refused:
        await sign_up_form.read({**NEWCOMER, **changes}, CLINIC, "fr", NOW, judge=strict)
    assert list(refused.value.problems) == [
        "courriel",
        "courriel_confirmation",
        "mot_de_passe",
        "confirmation",
        "prenom",
        "telephone",
    ]


async def test_clinic_says_which_personal_fields_are_required() -> None:
    nothing = {"prenom": "", "nom": "", "telephone": "", "numero_sante": ""}
    assert await problems(nothing, replace(CLINIC, required_fields="")) == {}
    everything = replace(CLINIC, required_fields="name,phone,other_phone,health_number")
    assert set(await problems(nothing, everything)) == {*nothing, "autre_telephone"}


@pytest.mark.parametrize(
    "changes",
    [
        {"mot_de_passe": "Portail2026!", "confirmation": "Portail2026!"},
        {"mot_de_passe": "Tremblay-89!", "confirmation": "Tremblay-89!"},
        {"mot_de_passe": "Erables2026!", "confirmation": "Erables2026!"},
    ],
)
async def test_password_made_of_the_names_at_hand_is_refused(changes: dict[str, str]) -> None:
    async def judge(password: str, email: str, about: tuple[str, ...]) -> str:
        return await password_rules.problem(password, email=email, about=about, passwords=PASSWORDS)

    clinic = replace(CLINIC, name="Clinique des Érables")
    with pytest.raises(Invalid) as refused:
        await sign_up_form.read({**NEWCOMER, **changes}, clinic, "fr", NOW, judge=judge)
    assert refused.value.problems == {"mot_de_passe": "common"}


async def test_password_may_be_typed_again_on_another_keyboard() -> None:
    word = "Été-2026-Givre"
    changes = {"mot_de_passe": word, "confirmation": unicodedata.normalize("NFD", word)}
    assert await problems(changes) == {}


def born(day: date) -> dict[str, str]:
    return dict(zip(sign_up_form.PARTS.values(), day.isoformat().split("-"), strict=True))


async def is_let_in(day: date, clinic: ClinicSettings = CLINIC, now: datetime = NOW) -> bool:
    try:
        await read(born(day), clinic, now)
    except TooYoung:
        return False
    return True


async def test_one_may_sign_up_from_the_birthday_on() -> None:
    birthday = date(2012, 11, 23)
    assert [await is_let_in(birthday + timedelta(days=n)) for n in (-1, 0, 1)] == [
        True,
        True,
        False,
    ]


async def test_born_on_29_february_one_may_sign_up_on_1_march() -> None:
    noon = datetime(2026, 2, 28, 17, tzinfo=UTC)
    day = date(2012, 2, 29)
    assert not await is_let_in(day, now=noon)
    assert await is_let_in(day, now=noon + timedelta(days=1))


async def test_the_day_is_the_clinics_own() -> None:
    vancouver = replace(CLINIC, time_zone="America/Vancouver")
    midnight = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # in Toronto
    assert await is_let_in(date(2012, 11, 23), now=midnight)
    assert not await is_let_in(date(2012, 11, 23), vancouver, now=midnight)
    assert not await is_let_in(date(2012, 11, 23), now=midnight - timedelta(seconds=1))


async def test_without_its_age_of_consent_the_clinic_lets_nobody_in() -> None:
    assert not await is_let_in(date(1950, 1, 1), replace(CLINIC, consent_age=None))
