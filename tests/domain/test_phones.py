import pytest

from domain.people.phones import e164


@pytest.mark.parametrize(
    "typed",
    [
        "5141231234",
        "(514) 123-1234",
        "514-123-1234",
        "514.123.1234",
        "514 123 1234",
        "1 514 123 1234",
        "+1 514 123-1234",
        "  +15141231234 ",
    ],
)
def test_any_common_way_to_type_a_number(typed: str) -> None:
    assert e164(typed) == "+15141231234"


def test_a_number_from_abroad() -> None:
    assert e164("+33 1 42 68 53 00") == "+33142685300"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "514",
        "514 12 34",
        "514-1234",
        "514-555-01",
        "not a phone",
        "911",
        "514 555",
        "0" * 50,
        "(514) 312-1234 p. 22",
    ],
)
def test_what_is_none(typed: str) -> None:
    assert e164(typed) is None
