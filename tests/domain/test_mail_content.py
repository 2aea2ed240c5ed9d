"""What a mail says, to whom, and that nobody else's words can become its headers."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from html import unescape
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from domain.appointments.agenda import Place, Visit
from domain.appointments.letters import KINDS, VisitLetter, compose
from domain.appointments.offers import Named
from domain.config import Settings
from domain.links import Links
from domain.mail import delivery, outbox
from domain.people.tables import Account
from jobs.maildir import MaildirMailer
from jobs.messages import message
from jobs.office import PostOffice
from tests.domain.values import clinic, local
from tests.web.browser import HOST, Browser, Clock, main, running
from tests.world import NOW, World
from web.rendering import Renderer, root

SETTINGS = Settings(
    public_url=HOST,
    keys=("k" * 8 + "0123456789abcdefghijklmnopqrstuv",),
    data_dir=Path("/nowhere"),
    mail_from="portail@portail.example",
)
OFFICE = PostOffice(
    SETTINGS,
    Links(SETTINGS.keys),
    Renderer(),
    MaildirMailer(Path("/nowhere"), lambda: NOW),
)
LETTER = delivery.Letter(uuid4(), "", uuid4(), {}, NOW, 0)
EVERY = list(product(sorted(KINDS), ["fr", "en"], [False, True]))
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
}
ALWAYS_SAID = {"MCLINIC", "MFIRST", "MPLACE"}
SAID_WITH_DETAILS = ALWAYS_SAID | {"MDOCTOR", "MSPECIALTY", "MTYPE", "MMESSAGE"}
MARKERS = SAID_WITH_DETAILS | {
    "MLAST",
    "MREASON",
    "MROOM",
    "MSTREET",
    "MCITY",
    "MEMAIL",
    "MADDRESS",
}
CLINIC = clinic(
    name="MCLINIC",
    email="MEMAIL@clinique.example",
    address="MADDRESS",
    mail_sender_name="MSENDER",
)


def visit(**changes: object) -> Visit:
    starts_at = local("2025-09-25T12:20")
    made = Visit(
        id=uuid4(),
        slot=uuid4(),
        patient=uuid4(),
        patient_name="MFIRST MLAST",
        version=3,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=15),
        minutes=15,
        practitioner="Dre MDOCTOR",
        specialty=Named("MSPECIALTY", "MSPECIALTY"),
        visit_type=Named("MTYPE", "MTYPE"),
        message=Named("MMESSAGE", "MMESSAGE"),
        is_urgent=False,
        is_virtual=False,
        room_url="https://visio.example/MROOM",
        place=Place("MPLACE", "MSTREET", "MCITY", "QC", "H2L 1S6", "+15145550199"),
        reason="MREASON",
        confirmed_at=None,
        cancelled_at=None,
        state="booked",
        may_confirm=True,
        may_cancel=True,
        cancel_deadline=local("2025-09-23T12:20"),
        confirm_opens_at=local("2025-09-22T12:20"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def letter(kind: str, language: str = "fr", *, shows_details: bool = False) -> VisitLetter:
    is_cancelled = kind == "appointment_cancelled"
    about = visit(state="cancelled", may_confirm=False, may_cancel=False) if is_cancelled else None
    return VisitLetter(
        kind=kind,
        address="alice@example.com",
        language=language,
        clinic=CLINIC,
        visit=about or visit(),
        first_name="MFIRST",
        confirm_token=None if is_cancelled else "confirm-token",
        cancel_token=None if is_cancelled else "cancel-token",
        shows_details=shows_details,
    )


def parsed(about: VisitLetter) -> EmailMessage:
    """As a mail program reads it."""
    sent = message(LETTER, about, OFFICE, now=NOW).as_bytes()
    assert len(sent) < 100_000
    return BytesParser(policy=policy.default).parsebytes(sent)


def bodies(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def markers(words: str) -> set[str]:
    return MARKERS & set(re.findall(r"\w+", words))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"https://\S+", " ", text))


def seen(html: str) -> str:
    body = html[html.index("<body") :]
    return unescape(re.sub(r"<[^>]+>", " ", body))


def test_each_kind_has_its_three_templates_and_no_template_is_without_a_kind() -> None:
    found = {path.name for path in root("templates").joinpath("mail").iterdir()}
    wanted = {f"{kind}.{part}" for kind in KINDS for part in ("subject.txt", "txt", "html")}
    shared = {"layout.txt", "layout.html", "components.txt", "components.html"}
    assert found - wanted == shared | {"words.txt", "style.css"}
    assert wanted <= found


@pytest.mark.parametrize(("kind", "language", "shows_details"), EVERY)
def test_a_mail_says_no_more_than_it_may(kind: str, language: str, shows_details: bool) -> None:
    mail = parsed(letter(kind, language, shows_details=shows_details))
    allowed = set(SAID_WITH_DETAILS if shows_details else ALWAYS_SAID)
    if kind == "appointment_cancelled":
        allowed -= {"MMESSAGE"}
    for body in bodies(mail):
        assert markers(body) == allowed
    assert markers(mail["Subject"]) == set()


@pytest.mark.parametrize(("kind", "language", "shows_details"), EVERY)
def test_text_and_html_say_the_same(kind: str, language: str, shows_details: bool) -> None:
    text, html = bodies(parsed(letter(kind, language, shows_details=shows_details)))
    assert words(text) == words(seen(html))


@pytest.mark.parametrize(("kind", "language", "shows_details"), EVERY)
def test_a_mail_is_well_formed(kind: str, language: str, shows_details: bool) -> None:
    mail = parsed(letter(kind, language, shows_details=shows_details))
    assert set(mail.keys()) == HEADERS
    assert not mail.defects
    assert [address.addr_spec for address in mail["To"].addresses] == ["alice@example.com"]
    assert str(mail["From"]) == "MSENDER <portail@portail.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{LETTER.id}@portail.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == language
    types = [part.get_content_type() for part in mail.walk()]
    at = types.index("multipart/alternative")
    assert types[at : at + 3] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(("kind", "language", "shows_details"), EVERY)
def test_the_html_brings_its_colours_and_fetches_nothing(
    kind: str, language: str, shows_details: bool
) -> None:
    _, html = bodies(parsed(letter(kind, language, shows_details=shows_details)))
    assert f'<html lang="{language}-CA">' in html
    assert html.count("<style>") == 1
    assert "prefers-color-scheme: dark" in html
    assert re.findall(r"\bstyle=|<img|<link|<script|url\(|@import|\bsrc=", html) == []


@pytest.mark.parametrize(("kind", "language", "shows_details"), EVERY)
def test_every_link_is_absolute_and_on_the_portals_own_host(
    kind: str, language: str, shows_details: bool
) -> None:
    text, html = bodies(parsed(letter(kind, language, shows_details=shows_details)))
    in_html = re.findall(r'href="([^"]+)"', html)
    in_text = re.findall(r"\S+://\S+", text)
    assert {link for link in in_html if not link.startswith("tel:")} == set(in_text)
    assert all(link.startswith(f"{HOST}/") for link in in_text)
    assert all(link in {"tel:+15145550142"} | set(in_text) for link in in_html)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_languages_have_no_sentence_in_common(kind: str) -> None:
    """But for the clinic's name and the links."""
    french, english = (
        {line for line in bodies(parsed(letter(kind, language)))[0].splitlines() if line}
        for language in ("fr", "en")
    )
    assert {line for line in french & english if not re.search("MCLINIC|https:", line)} == set()


def test_the_time_is_the_clinics_and_so_is_the_deadline() -> None:
    text, html = (
        b.replace("\u00a0", " ") for b in bodies(parsed(letter("appointment_confirmable")))
    )
    assert "jeudi 25 septembre à 12:20" in text
    sentence = "Ce rendez-vous ne peut être annulé après le 23 septembre 2025 à 12:20."
    assert sentence in text
    assert sentence in html
    assert not re.search(r"\b(UTC|HAE|EST|EDT|heure)\b", text)


def test_the_buttons_lead_to_the_pages_of_their_tokens() -> None:
    _, html = bodies(parsed(letter("appointment_confirmable")))
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', html))
    assert links[f"{HOST}/courriel/confirmation/confirm-token"] == "Confirmer le rendez-vous"
    assert links[f"{HOST}/courriel/annulation/cancel-token"] == "Annuler le rendez-vous"


def test_what_can_no_longer_be_done_has_no_button() -> None:
    late = replace(letter("appointment_confirmable"), cancel_token=None)
    late = replace(late, visit=visit(may_cancel=False))
    text, html = bodies(parsed(late))
    assert "/courriel/annulation/" not in html
    assert "appelez la clinique\u00a0: (514) 555-0142" in text
    early = replace(letter("appointment_booked"), confirm_token=None)
    assert "/courriel/confirmation/" not in bodies(parsed(early))[1]


def test_booked_inside_the_window_the_mail_asks_to_confirm() -> None:
    text, _ = bodies(parsed(letter("appointment_booked")))
    assert "confirmez dès maintenant" in text
    assert f"Confirmer le rendez-vous\n{HOST}/courriel/confirmation/confirm-token" in text


def test_ones_own_only_profile_is_not_named() -> None:
    about = replace(letter("appointment_booked"), first_name=None)
    for body in bodies(parsed(about)):
        assert "MFIRST" not in body
        assert "Pour" not in body


def test_a_virtual_visit_says_so_and_not_where() -> None:
    about = replace(letter("appointment_booked"), visit=visit(is_virtual=True))
    for body in bodies(parsed(about)):
        assert "Rendez-vous virtuel" in body
        assert "MPLACE" not in body
        assert "MROOM" not in body


@pytest.mark.parametrize(
    ("kind", "method", "sequence"),
    [
        ("appointment_booked", "PUBLISH", 6),
        ("appointment_moved", "PUBLISH", 6),
        ("appointment_cancelled", "CANCEL", 7),
    ],
)
def test_the_calendar_file_is_of_the_same_event_and_says_no_more(
    kind: str, method: str, sequence: int
) -> None:
    about = letter(kind, shows_details=True)
    (file,) = parsed(about).iter_attachments()
    assert file.get_content_type() == "text/calendar"
    assert file["Content-Type"].params["method"] == method
    assert file.get_filename() == "rendez-vous.ics"
    content = file.get_content()
    assert markers(content) <= {"MCLINIC", "MPLACE", "MSTREET", "MCITY", "MEMAIL"}
    calendar = Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == method
    assert event["UID"] == f"{about.visit.id}@portail.example"
    assert event["SEQUENCE"] == sequence
    assert event["SUMMARY"] == "Rendez-vous – MCLINIC"
    assert event["DTSTART"].dt == about.visit.starts_at
    assert event["DTSTART"].params["TZID"] == "America/Toronto"
    assert len(calendar.walk("VTIMEZONE")) == 1


def test_a_request_to_confirm_has_no_file() -> None:
    assert list(parsed(letter("appointment_confirmable")).iter_attachments()) == []


HOSTILE = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\r\n\0\x0b\x0c\x1c\x85\u2028\u202e<>\"',;:@&{}%"),
    ),
    max_size=90,
)


@settings(max_examples=60, deadline=None)
@given(name=HOSTILE, sender=HOSTILE, first_name=HOSTILE, place=HOSTILE, email=HOSTILE)
def test_no_text_becomes_a_header_a_recipient_or_markup(
    name: str, sender: str, first_name: str, place: str, email: str
) -> None:
    where = Place(place, place, place, "QC", "H2L 1S6", place)
    about = replace(
        letter("appointment_booked", shows_details=True),
        clinic=replace(CLINIC, name=name, mail_sender_name=sender, email=email),
        visit=visit(place=where, practitioner=name, message=Named(place, place)),
        first_name=first_name,
    )
    mail = parsed(about)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert [address.addr_spec for address in mail["To"].addresses] == ["alice@example.com"]
    (source,) = mail["From"].addresses
    assert source.addr_spec == "portail@portail.example"
    text, html = bodies(mail)
    assert "\0" not in text + html
    _, usual = bodies(parsed(letter("appointment_booked", shows_details=True)))
    assert tags(html) - tags(usual) <= {"br"}


@pytest.mark.parametrize(
    "name", ["Alice\r\nBcc: everyone@example.com", "Alice\nSubject: gift", "A\0B", "x" * 2000]
)
def test_a_senders_name_stays_in_its_header(name: str) -> None:
    about = replace(letter("appointment_booked"), clinic=replace(CLINIC, mail_sender_name=name))
    mail = parsed(about)
    assert set(mail.keys()) == HEADERS
    assert mail["Subject"] == "Votre rendez-vous est réservé"


@pytest.mark.parametrize("email", ["a@b.example\r\nBcc: c@d.example", "a@b@c", "a, b@c.example"])
def test_an_address_that_is_none_gets_no_mail(email: str) -> None:
    about = letter("appointment_booked")
    about = replace(about, account=replace(about.account, email=email))
    with pytest.raises((ValueError, MessageError)):
        message(LETTER, about, OFFICE, now=NOW)


@pytest.mark.parametrize("shows_details", [False, True])
async def test_a_forwarded_mail_shows_its_reader_no_more_than_it_said(
    world: World, shows_details: bool
) -> None:
    """A45: whoever opens its links sees the visit as mailed, gets no session and books nothing."""
    await world.set_clinic(mail_shows_details=shows_details)
    booked = await world.appointment(NOW + timedelta(hours=60), patient=world.bob, reason="MREASON")
    await outbox.post(
        "appointment_confirmable", world.alice_account, now=NOW, appointment=booked, version=1
    )
    (leased,) = await delivery.lease(1, now=NOW)
    about = await compose(leased, links=OFFICE.links, now=NOW)
    assert about is not None
    text, _ = bodies(message(leased, about, OFFICE, now=NOW))
    links = re.findall(rf"{HOST}(/courriel/\S+)", text)
    assert len(links) == 2
    browser = Browser(running(Clock(NOW)))
    for link in links:
        page = await browser.get(link)
        assert page.status_code == 200
        for secret in ("Gagnon", "MREASON", "alice@example.com", "1985", "2018"):
            assert secret not in main(page)
        for detail in ("Camille Roy", "Médecine de famille", "Suivi", "Apportez votre carte."):
            assert (detail in main(page)) == (detail in text) == shows_details
    assert not any("session" in name for name in browser.http.cookies)
    for private in ("/", f"/profils/{world.bob}/rendez-vous", f"/profils/{world.bob}/reservation"):
        assert (await browser.get(private)).status_code == 303


async def test_a_mail_is_written_in_its_accounts_language_and_names_a_childs_visit(
    world: World,
) -> None:
    await Account.update({Account.language: "en"}).where(Account.id == world.alice_account)
    for patient in (world.alice, world.bob, world.charlie):
        starts_at = NOW + timedelta(days=9 if patient == world.bob else 8)
        if patient == world.charlie:
            starts_at += timedelta(hours=1)
        of = world.charlie_account if patient == world.charlie else world.alice_account
        visit_ = await world.appointment(starts_at, patient=patient)
        await outbox.post("appointment_booked", of, now=NOW, appointment=visit_, version=1)
    made = [
        await compose(each, links=OFFICE.links, now=NOW)
        for each in await delivery.lease(9, now=NOW)
    ]
    assert {(each.account.language, each.first_name) for each in made if each} == {
        ("en", "Alice"),
        ("en", "Bob"),
        ("fr", None),
    }


def tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-z][a-z0-9]*)", html))


def test_the_moment_of_sending_is_told_in_utc() -> None:
    at = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    assert message(LETTER, letter("appointment_booked"), OFFICE, now=at)["Date"].datetime == at
