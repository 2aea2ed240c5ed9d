"""What a mail says when the clinic itself booked, cancelled or moved a visit."""

from dataclasses import replace

import pytest

from tests.domain.test_mail_content import bodies, letter, parsed

NOTE = "MNOTE <b>désolés</b>"
TITLES = {
    "fr": "La clinique a annulé votre rendez-vous",
    "en": "The clinic has cancelled your appointment",
}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("shows_details", [False, True])
@pytest.mark.parametrize("kind", ["appointment_cancelled", "appointment_moved"])
def test_the_clinics_note_is_in_the_mail_only_where_mails_may_say_details(
    kind: str, shows_details: bool, language: str
) -> None:
    made = letter(kind, language, shows_details=shows_details)
    is_cancelled = kind == "appointment_cancelled"
    visit = replace(made.visit, clinic_note=NOTE, cancelled_by_clinic=is_cancelled)
    mail = parsed(replace(made, visit=visit))
    text, html = bodies(mail)
    assert ("MNOTE" in text) is ("MNOTE" in html) is shows_details
    assert "<b>désolés" not in html
    assert (mail["Subject"] == TITLES[language]) is is_cancelled


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_visit_that_the_clinic_booked_says_so(language: str) -> None:
    made = letter("appointment_booked", language)
    said = {"fr": "La clinique l’a pris pour vous.", "en": "The clinic booked it for you."}
    for by_clinic in (False, True):
        visit = replace(made.visit, booked_by_clinic=by_clinic)
        for body in bodies(parsed(replace(made, visit=visit))):
            assert (said[language] in body) is by_clinic
