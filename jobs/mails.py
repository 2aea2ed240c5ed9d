"""Mails as messages: their headers, and the same words as text and as HTML."""

import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from domain.accounts.letters import AccountLetter
from domain.appointments import invitation
from domain.appointments.letters import VisitLetter
from domain.mail.delivery import Letter
from domain.messages.letters import CommunicationLetter
from domain.staff.letters import StaffLetter
from jobs.office import PostOffice

Unsubscribable = VisitLetter | CommunicationLetter
About = Unsubscribable | AccountLetter | StaffLetter
WITH_CALENDAR = {
    "appointment_booked": "PUBLISH",
    "appointment_moved": "PUBLISH",
    "appointment_cancelled": "CANCEL",
}
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def message(letter: Letter, about: About, office: PostOffice, *, now: datetime) -> EmailMessage:
    settings, clinic = office.settings, about.clinic
    made = EmailMessage()
    made["From"] = Address(one_line(clinic.mail_sender_name), addr_spec=settings.mail_from)
    made["To"] = Address(addr_spec=about.address)
    made["Subject"] = one_line(_render("subject.txt", about, office))
    made["Date"] = now
    made["Message-ID"] = f"<{letter.id}@{_host(office)}>"
    made["Auto-Submitted"] = "auto-generated"
    # Quoted-printable, so that no server on the way has a reason to rewrite it.
    text = re.sub(r"\n{3,}", "\n\n", _render("txt", about, office))
    made.set_content(text, cte="quoted-printable")
    html = _render("html", about, office)
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    if isinstance(about, VisitLetter) and about.kind in WITH_CALENDAR:
        _attach_calendar(made, about, office, now)
    made["Content-Language"] = about.language
    if isinstance(about, Unsubscribable) and about.unsubscribe_token:
        made["List-Unsubscribe"] = f"<{_unsubscribe_url(about, settings.public_url)}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return made


def one_line(text: str) -> str:
    """A header's text: whatever could end its line, or hide in it, is a space."""
    return "".join(" " if unicodedata.category(c) in UNSAFE else c for c in text).strip()


def _render(part: str, about: About, office: PostOffice) -> str:
    url = office.settings.public_url
    text = office.renderer.render(
        f"mail/{about.kind}.{part}",
        about.language,
        about.clinic.zone,
        clinic=about.clinic,
        portal_url=f"{url}/",
        **_more(about, url),
    )
    return text.replace("\0", "")


def _more(about: About, url: str) -> dict[str, Any]:
    if isinstance(about, AccountLetter):
        return _of_account(about, url)
    if isinstance(about, StaffLetter):
        return _of_staff(about, url)
    more = _of_visit(about, url) if isinstance(about, VisitLetter) else _of_thread(about, url)
    return more | {"unsubscribe_url": about.unsubscribe_token and _unsubscribe_url(about, url)}


def _of_visit(about: VisitLetter, url: str) -> dict[str, Any]:
    return {
        "visit": about.visit,
        "first_name": about.first_name,
        "shows_details": about.shows_details,
        "booking_url": f"{url}/profils/{about.visit.patient}/reservation",
        "confirm_url": about.confirm_token and f"{url}/courriel/confirmation/{about.confirm_token}",
        "cancel_url": about.cancel_token and f"{url}/courriel/annulation/{about.cancel_token}",
    }


def _of_thread(about: CommunicationLetter, url: str) -> dict[str, Any]:
    return {
        "first_name": about.first_name,
        "url": f"{url}/profils/{about.patient}/communications/{about.thread}",
    }


def _unsubscribe_url(about: Unsubscribable, url: str) -> str:
    return f"{url}/desabonnement/{about.unsubscribe_token}"


def _of_account(about: AccountLetter, url: str) -> dict[str, Any]:
    return {
        "url": f"{url}{about.path}",
        "code": about.code,
        "patient_name": about.patient_name,
        "facts": about.facts,
        "happened_at": about.happened_at,
        "life": about.life,
        "until": about.until,
        "is_own": about.is_own,
        "day": about.day,
    }


def _of_staff(about: StaffLetter, url: str) -> dict[str, Any]:
    return {
        "url": f"{url}{about.path}",
        "desk_url": f"{url}/clinique",
        "first_name": about.first_name,
        "what": about.what,
        "happened_at": about.happened_at,
        "life": about.life,
    }


def _attach_calendar(
    mail: EmailMessage, about: VisitLetter, office: PostOffice, now: datetime
) -> None:
    clinic = about.clinic
    summary = office.renderer.render(
        "calendar/summary.txt", about.language, clinic.zone, clinic=clinic
    )
    host = office.settings.host  # with its port: the file from the portal is of the same event
    mail.add_attachment(
        invitation.calendar(about.visit, clinic, summary, host=host, now=now),
        maintype="text",
        subtype="calendar",
        filename="rendez-vous.ics",
        params={"method": WITH_CALENDAR[about.kind], "charset": "utf-8"},
    )


def _host(office: PostOffice) -> str:
    return urlsplit(office.settings.public_url).hostname or "localhost"
