"""What a mail says, to whom, and that nobody else's words can become its headers."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from html import unescape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from domain import db
from domain.accounts import account_links
from domain.accounts import letters as account_letters
from domain.accounts.letters import AccountLetter
from domain.accounts.tables import EmailChange, Invitation
from domain.appointments.agenda import Place, Visit
from domain.appointments.letters import KINDS, VisitLetter, compose
from domain.config import Settings
from domain.links import Links, Purpose, hash_of
from domain.mail import delivery, outbox
from domain.messages import letters as communication_letters
from domain.messages.letters import CommunicationLetter
from domain.people.tables import Account, ProxyGrant
from domain.staff import letters as staff_letters
from domain.staff.letters import StaffLetter
from domain.texts import Named
from jobs.deliver_mail import compose as compose_any
from jobs.maildir import MaildirMailer
from jobs.mails import About, message
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
LANGUAGES = ("fr", "en")
PARTS = ("txt", "html")
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
    "MCODE",
    "MTOKEN",
    "MFACT",
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


def account_letter(kind: str, language: str = "fr", **changes: object) -> AccountLetter:
    """With more than its kind may say."""
    made = AccountLetter(
        kind=kind,
        address="alice@example.com",
        language=language,
        clinic=CLINIC,
        path="/chemin/MTOKEN",
        code="MCODE",
        patient_name="MFIRST",
        facts={"days": "60", "link": "MFACT"},
        happened_at=NOW,
        life=timedelta(hours=24),
        until=NOW + timedelta(days=7),
        day=date(2027, 3, 9),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def communication_letter(kind: str, language: str = "fr") -> CommunicationLetter:
    return CommunicationLetter(
        kind=kind,
        address="alice@example.com",
        language=language,
        clinic=CLINIC,
        patient=uuid4(),
        thread=uuid4(),
        first_name="MFIRST",
    )


ALERTS = ["password", "codes", "email", "password_changed", "device"]


def staff_letter(kind: str, language: str = "fr", what: str = "") -> StaffLetter:
    return StaffLetter(
        kind=kind,
        address="alice@example.com",
        language=language,
        clinic=CLINIC,
        first_name="MFIRST",
        path="/chemin/MTOKEN",
        what=what,
        happened_at=NOW,
        life=timedelta(hours=72),
    )


# What each kind of mail about an account adds to the clinic's name.
SAID_OF_ACCOUNTS: dict[str, set[str]] = {
    "account_exists": {"MTOKEN"},
    "activate": {"MTOKEN"},
    "address_asked": set(),
    "password_reset": {"MTOKEN"},
    "password_changed": {"MTOKEN"},
    "email_changed": set(),
    "email_change_asked": set(),
    "matched": {"MTOKEN"},
    "not_matched": set(),
    "new_device": {"MTOKEN"},
    "failed_sign_ins": {"MTOKEN"},
    "second_factor_failed": {"MTOKEN"},
    "second_factor_on": set(),
    "second_factor_off": {"MTOKEN"},
    "request_handled": {"MTOKEN"},
    "invitation": {"MTOKEN"},
    "email_change_code": {"MCODE"},
    "email_change_link": {"MTOKEN"},
    "access_granted": {"MTOKEN", "MFIRST"},
    "access_withdrawn": {"MTOKEN", "MFIRST"},
    "coming_of_age": {"MTOKEN", "MFIRST"},
}
VARIANTS: list[tuple[str, dict[str, object]]] = [
    *((kind, {}) for kind in sorted(account_letters.KINDS)),
    ("access_granted", {"is_own": True}),
    ("access_withdrawn", {"is_own": True}),
    ("coming_of_age", {"facts": {"days": "14"}}),
    ("email_change_link", {"facts": {"by": "clinic"}}),
    ("coming_of_age", {"facts": {"days": "0"}}),
    ("request_handled", {"facts": {"declined": "1"}}),
]
VISIT_LETTERS: list[About] = [
    letter(kind, language, shows_details=shows_details)
    for kind, language, shows_details in product(sorted(KINDS), LANGUAGES, [False, True])
]
ACCOUNT_LETTERS: list[About] = [
    account_letter(kind, language, **changes)
    for (kind, changes), language in product(VARIANTS, LANGUAGES)
]
COMMUNICATION_LETTERS: list[About] = [
    communication_letter(kind, language)
    for kind, language in product(sorted(communication_letters.KINDS), LANGUAGES)
]
STAFF_LETTERS: list[About] = [
    staff_letter(kind, language, what)
    for kind, language in product(sorted(staff_letters.KINDS), LANGUAGES)
    for what in (ALERTS if kind == "staff_alert" else [""])
]
EVERY = VISIT_LETTERS + ACCOUNT_LETTERS + COMMUNICATION_LETTERS + STAFF_LETTERS


def of_every(abouts: list[About]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("about", abouts, ids=[f"{a.kind}-{a.language}" for a in abouts])


def allowed(about: About) -> set[str]:
    if isinstance(about, VisitLetter):
        said = SAID_WITH_DETAILS if about.shows_details else ALWAYS_SAID
        return said - ({"MMESSAGE"} if about.kind == "appointment_cancelled" else set())
    if isinstance(about, CommunicationLetter):
        return {"MCLINIC", "MFIRST"}
    if isinstance(about, StaffLetter):
        return {"MCLINIC"} | ({"MTOKEN"} if about.kind in staff_letters.WITH_LINK else set())
    said = {"MCLINIC"} | SAID_OF_ACCOUNTS[about.kind]
    return said - {"MFIRST"} if about.is_own else said


def parsed(about: About) -> EmailMessage:
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
    kinds = KINDS | account_letters.KINDS | communication_letters.KINDS | staff_letters.KINDS
    wanted = {f"{kind}.{part}" for kind in kinds for part in ("subject.txt", "txt", "html")}
    names = ("layout", "account", "communication", "components", "staff")
    shared = {f"{name}.{part}" for name in names for part in PARTS}
    assert found - wanted == shared | {"words.txt", "style.css"}
    assert wanted <= found
    assert set(SAID_OF_ACCOUNTS) == account_letters.KINDS


@of_every(EVERY)
def test_a_mail_says_no_more_than_it_may(about: About) -> None:
    mail = parsed(about)
    for body in bodies(mail):
        assert markers(body) == allowed(about)
    assert markers(mail["Subject"]) == set()


@of_every(EVERY)
def test_text_and_html_say_the_same(about: About) -> None:
    text, html = bodies(parsed(about))
    assert words(text) == words(seen(html))


@of_every(EVERY)
def test_a_mail_is_well_formed(about: About) -> None:
    mail = parsed(about)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert not mail.defects
    assert [address.addr_spec for address in mail["To"].addresses] == ["alice@example.com"]
    assert str(mail["From"]) == "MSENDER <portail@portail.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{LETTER.id}@portail.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == about.language
    types = [part.get_content_type() for part in mail.walk()]
    at = types.index("multipart/alternative")
    assert types[at : at + 3] == ["multipart/alternative", "text/plain", "text/html"]


@of_every(EVERY)
def test_the_html_brings_its_colours_and_fetches_nothing(about: About) -> None:
    _, html = bodies(parsed(about))
    assert f'<html lang="{about.language}-CA">' in html
    assert html.count("<style>") == 1
    assert "prefers-color-scheme: dark" in html
    assert re.findall(r"\bstyle=|<img|<link|<script|url\(|@import|\bsrc=", html) == []


@of_every(EVERY)
def test_every_element_of_the_html_is_closed_in_its_place(about: About) -> None:
    _, html = bodies(parsed(about))
    reader = Nesting()
    reader.feed(html)
    reader.close()
    assert reader.faults == []
    assert reader.open == []


@of_every(EVERY)
def test_every_link_is_absolute_and_on_the_portals_own_host(about: About) -> None:
    text, html = bodies(parsed(about))
    in_html = re.findall(r'href="([^"]+)"', html)
    in_text = re.findall(r"\S+://\S+", text)
    assert {link for link in in_html if not link.startswith("tel:")} == set(in_text)
    assert all(link.startswith(f"{HOST}/") for link in in_text)
    assert all(link in {"tel:+15145550142"} | set(in_text) for link in in_html)


@of_every(EVERY)
def test_no_page_is_linked_twice(about: About) -> None:
    text, html = bodies(parsed(about))
    for links in (re.findall(r'href="([^"]+)"', html), re.findall(r"\S+://\S+", text)):
        assert sorted(links) == sorted(set(links))


@of_every([about for about in EVERY if about.language == "fr"])
def test_the_languages_have_no_sentence_in_common(about: About) -> None:
    """But for the clinic's own words, the code and the links."""
    french, english = (
        {line for line in bodies(parsed(each))[0].splitlines() if line}
        for each in (about, replace(about, language="en"))
    )
    assert {
        line
        for line in french & english
        if not re.search("MCLINIC|^(MCODE|MMESSAGE)$|https:", line)
    } == set()
    assert parsed(about)["Subject"] != parsed(replace(about, language="en"))["Subject"]


@of_every([about for about in EVERY if about.language == "fr"])
def test_the_french_has_its_no_break_spaces_and_apostrophes(about: About) -> None:
    mail = parsed(about)
    for said in (mail["Subject"], re.sub(r"\S+://\S+", "", bodies(mail)[0])):
        assert re.findall(r"[^\u00a0][:;?!»](?!\d)", said) == []
        assert re.findall(r"«[^\u00a0]|'", said) == []


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


@pytest.mark.parametrize(
    ("kind", "french"),
    [
        ("activate", "Activez votre compte"),
        ("invitation", "Activer votre compte"),
        ("password_reset", "Réinitialiser votre mot de passe"),
        ("email_change_link", "Confirmer le changement"),
        ("access_granted", "Ouvrir le portail"),
        ("matched", "Ouvrir le portail"),
        ("access_withdrawn", "Ouvrir le portail"),
        ("coming_of_age", "Ouvrir le portail"),
    ],
)
def test_the_one_button_of_a_mail_about_an_account(kind: str, french: str) -> None:
    text, html = bodies(parsed(account_letter(kind)))
    url = f"{HOST}/chemin/MTOKEN"
    assert re.findall(r'class="button.*?href="([^"]+)">([^<]+)</a>', html) == [(url, french)]
    assert f"{french}\n{url}\n" in text


@pytest.mark.parametrize(
    "kind", ["password_changed", "new_device", "failed_sign_ins", "second_factor_failed"]
)
def test_a_notice_has_no_button_and_says_what_to_do(kind: str) -> None:
    text, html = bodies(parsed(account_letter(kind)))
    assert 'class="button' not in html
    assert "23 novembre 2026 à 10:00" in text.replace("\u00a0", " ")
    assert "Si ce n’était pas vous, choisissez tout de suite un nouveau mot de passe" in text


def test_the_code_to_change_an_address_stands_out() -> None:
    text, html = bodies(parsed(account_letter("email_change_code", code="042137")))
    assert '<td align="center">042137</td>' in html
    assert "\n042137\n" in text
    assert "Si ce n’était pas vous" in text
    assert "appelez la clinique" in text


def test_an_invitation_says_where_its_code_is_and_until_when() -> None:
    text, _ = bodies(parsed(account_letter("invitation")))
    assert "le code à six chiffres que la clinique vous a remis" in text
    assert "Il n’est pas dans ce courriel." in text
    assert "jusqu’au 30 novembre 2026 à 10:00" in text.replace("\u00a0", " ")
    assert "indésirables" in text
    assert not re.search(r"\b\d{6}\b", text)


def test_a_loss_of_access_is_said_with_its_day() -> None:
    soon, lost = (
        bodies(parsed(account_letter("coming_of_age", facts={"days": days})))[0].replace(
            "\u00a0", " "
        )
        for days in ("14", "0")
    )
    assert "Le 9 mars 2027, MFIRST aura 14 ans" in soon
    assert "Depuis le 9 mars 2027, MFIRST a 14 ans" in lost


def test_a_request_that_was_declined_is_not_said_to_be_done() -> None:
    said = {
        outcome: bodies(parsed(account_letter("request_handled", facts=facts)))[0]
        for outcome, facts in (("done", {}), ("declined", {"declined": "1"}))
    }
    assert "Votre demande est maintenant traitée." in " ".join(said["done"].split())
    declined = " ".join(said["declined"].split())
    assert "ne peut donner suite à votre demande. Appelez-la pour en savoir plus." in declined
    assert "traitée." not in declined


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
    ("kind", "french", "english"),
    [
        ("message_received", "Consulter le message", "Read the message"),
        ("document_received", "Consulter le document", "See the document"),
        ("invoice_received", "Consulter la facture", "See the invoice"),
    ],
)
def test_the_one_button_of_a_mail_about_a_communication(
    kind: str, french: str, english: str
) -> None:
    for language, words_ in (("fr", french), ("en", english)):
        about = communication_letter(kind, language)
        url = f"{HOST}/profils/{about.patient}/communications/{about.thread}"
        text, html = bodies(parsed(about))
        assert re.findall(r'class="button.*?href="([^"]+)">([^<]+)</a>', html) == [(url, words_)]
        assert f"{words_}\n{url}\n" in text


def test_mails_about_communications_are_switched_off_in_one_click() -> None:
    mail = parsed(replace(communication_letter("message_received"), unsubscribe_token="token"))
    url = f"{HOST}/desabonnement/token"
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    _, html = bodies(mail)
    assert f'<a href="{url}">Ne plus recevoir les courriels de communications</a>' in html


@settings(max_examples=30, deadline=None)
@given(name=HOSTILE, sender=HOSTILE, first_name=HOSTILE, at=st.integers(0))
def test_no_text_becomes_a_header_or_markup_of_a_mail_about_a_communication(
    name: str, sender: str, first_name: str, at: int
) -> None:
    """A38."""
    usual = COMMUNICATION_LETTERS[at % len(COMMUNICATION_LETTERS)]
    clinic_ = replace(CLINIC, name=name, mail_sender_name=sender)
    mail = parsed(replace(usual, clinic=clinic_, first_name=first_name or "x"))  # type: ignore[call-arg]
    assert set(mail.keys()) == HEADERS
    assert mail["Subject"] == parsed(usual)["Subject"]
    assert [address.addr_spec for address in mail["To"].addresses] == ["alice@example.com"]
    _, html = bodies(mail)
    assert re.findall(r"<[^>]*>", html) == re.findall(r"<[^>]*>", bodies(parsed(usual))[1])


@settings(max_examples=60, deadline=None)
@given(name=HOSTILE, sender=HOSTILE, first_name=HOSTILE, email=HOSTILE, at=st.integers(0))
def test_no_text_becomes_a_header_or_markup_of_a_mail_about_an_account(
    name: str, sender: str, first_name: str, email: str, at: int
) -> None:
    usual = ACCOUNT_LETTERS[at % len(ACCOUNT_LETTERS)]
    clinic_ = replace(CLINIC, name=name, mail_sender_name=sender, email=email)
    mail = parsed(replace(usual, clinic=clinic_, patient_name=first_name, code=first_name))  # type: ignore[call-arg]
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert mail["Subject"] == parsed(usual)["Subject"]
    assert [address.addr_spec for address in mail["To"].addresses] == ["alice@example.com"]
    text, html = bodies(mail)
    assert "\0" not in text + html
    assert re.findall(r"<[^>]*>", html) == re.findall(r"<[^>]*>", bodies(parsed(usual))[1])


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
    for about in (letter("appointment_booked"), account_letter("invitation")):
        with pytest.raises((ValueError, MessageError)):
            message(LETTER, replace(about, address=email), OFFICE, now=NOW)


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
    assert {(each.language, each.first_name) for each in made if each} == {
        ("en", "Alice"),
        ("en", "Bob"),
        ("fr", None),
    }


def tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-z][a-z0-9]*)", html))


def test_the_moment_of_sending_is_told_in_utc() -> None:
    at = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    assert message(LETTER, letter("appointment_booked"), OFFICE, now=at)["Date"].datetime == at


class Nesting(HTMLParser):
    """Which elements are open, and what was closed that was not the last one opened."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)) or (tag == "p" and "p" in self.open):
            self.faults.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"/{tag}")


async def posted(
    world: World, kind: str, account: UUID | None = None, **facts: object
) -> About | None:
    """What the delivery job makes of a mail owed to Alice."""
    await outbox.post(kind, account or world.alice_account, now=NOW, **facts)
    (leased,) = await delivery.lease(9, now=NOW)
    made = await compose_any(leased, links=OFFICE.links, now=NOW)
    await delivery.mark_sent(leased, now=NOW)
    return made


@pytest.mark.parametrize(
    ("mail", "kind", "path"),
    [("activate", "activate", "/activation"), ("password_reset", "reset", "/reinitialisation")],
)
async def test_the_button_opens_the_account_while_its_link_lives(
    world: World, mail: str, kind: account_links.Kind, path: str
) -> None:
    link = await account_links.issue(world.alice_account, kind, links=OFFICE.links, now=NOW)
    about = await posted(world, mail, link=link)
    assert about is not None
    (url,) = re.findall(rf"{HOST}({path}/\S+)", bodies(parsed(about))[0])
    token = url.removeprefix(f"{path}/")
    assert await account_links.holder(token, kind, now=NOW) == world.alice_account
    await account_links.use(token, kind, now=NOW)
    assert await posted(world, mail, link=link) is None


async def test_an_invitation_goes_to_the_invited_in_their_language_while_it_is_open(
    world: World,
) -> None:
    invited = uuid4()
    await Invitation.insert(
        Invitation(
            id=invited,
            patient=world.bob,
            email="bob@example.com",
            email_canonical="bob@example.com",
            language="en",
            token_hash=hash_of(OFFICE.links.secret_token(Purpose.INVITE, invited)),
            code_hash="",
            invited_at=NOW,
            invited_by="accueil",
            expires_at=NOW + timedelta(days=7),
        )
    )

    async def composed() -> About | None:
        await outbox.post(
            "invitation", None, address="bob@example.com", now=NOW, invitation=invited
        )
        (leased,) = await delivery.lease(9, now=NOW)
        await delivery.mark_sent(leased, now=NOW)
        return await compose_any(leased, links=OFFICE.links, now=NOW)

    about = await composed()
    assert about is not None
    mail = message(LETTER, about, OFFICE, now=NOW)
    assert (str(mail["To"]), mail["Content-Language"]) == ("bob@example.com", "en")
    text, _ = bodies(BytesParser(policy=policy.default).parsebytes(mail.as_bytes()))
    assert "until November 30, 2026" in text.replace("\u00a0", " ")
    await Invitation.update({Invitation.ended_at: NOW}).where(Invitation.id == invited)
    assert await composed() is None


async def test_the_code_goes_to_the_old_address_and_the_link_to_the_new_one(world: World) -> None:
    change = uuid4()
    token = OFFICE.links.secret_token(Purpose.CHANGE_EMAIL, change)
    await EmailChange.insert(
        EmailChange(
            id=change,
            account=world.alice_account,
            new_email="new@example.com",
            new_canonical="new@example.com",
            token_hash=hash_of(token),
            code_hash="",
            asked_at=NOW,
            expires_at=NOW + timedelta(minutes=30),
        )
    )
    by_code = await posted(world, "email_change_code", change=change)
    by_link = await posted(world, "email_change_link", change=change)
    assert by_code is not None
    assert by_link is not None
    assert (by_code.address, by_link.address) == ("alice@example.com", "new@example.com")
    code = OFFICE.links.secret_code(Purpose.CHANGE_EMAIL, change)
    assert code in bodies(parsed(replace(by_code, address="alice@example.com")))[0]
    text, _ = bodies(parsed(replace(by_link, address="alice@example.com")))
    assert f"{HOST}/changement-courriel/{token}" in text
    assert code not in text
    await EmailChange.update({EmailChange.done_at: NOW}).where(EmailChange.id == change)
    assert await posted(world, "email_change_code", change=change) is None


async def test_an_access_is_told_to_who_has_it_and_to_whom_it_is_about(world: World) -> None:
    told = await posted(world, "access_granted", patient=world.bob)
    own = await posted(world, "access_granted", world.charlie_account, patient=world.charlie)
    assert told is not None
    assert own is not None
    assert "profil de Bob" in bodies(parsed(told))[0]
    assert "Charlie" not in bodies(parsed(replace(own, address="alice@example.com")))[0]
    assert await posted(world, "access_withdrawn", patient=world.bob) is None
    await ProxyGrant.update({ProxyGrant.withdrawn_at: NOW}).where(ProxyGrant.patient == world.bob)
    assert await posted(world, "access_granted", patient=world.bob) is None
    withdrawn = await posted(world, "access_withdrawn", patient=world.bob)
    assert withdrawn is not None
    assert "Vous n’avez plus accès au profil de Bob" in bodies(parsed(withdrawn))[0]


@pytest.mark.parametrize(
    ("born", "days", "leaves"),
    [
        (date(2012, 12, 7), 14, True),
        (date(2012, 12, 7), 0, True),
        (date(2012, 11, 23), 14, False),
        (date(2012, 11, 23), 0, True),
    ],
)
async def test_a_warning_that_comes_after_the_day_never_leaves(
    world: World, born: date, days: int, leaves: bool
) -> None:
    teen = await world.patient("Nathan", "Milner", born)
    await world.grant(world.alice_account, teen)
    about = await posted(world, "coming_of_age", patient=teen, days=days)
    assert (about is not None) == leaves


async def test_a_consent_makes_a_warning_needless(world: World) -> None:
    teen = await world.patient("Nathan", "Milner", date(2012, 12, 7))
    grant = await world.grant(world.alice_account, teen)
    await world.consent(grant, until=NOW + timedelta(days=10))
    assert await posted(world, "coming_of_age", patient=teen, days=14) is not None
    await db.fetch("UPDATE proxy_consent SET until = NULL")
    assert await posted(world, "coming_of_age", patient=teen, days=14) is None


@pytest.mark.parametrize("kind", sorted(account_letters.PLAIN))
async def test_a_closed_account_gets_no_mail(world: World, kind: str) -> None:
    assert await posted(world, kind) is not None
    await Account.update({Account.disabled_at: NOW}).where(Account.id == world.alice_account)
    assert await posted(world, kind) is None
