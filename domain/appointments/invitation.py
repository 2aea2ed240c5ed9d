from datetime import date, datetime
from urllib.parse import quote

from icalendar import Calendar, Event

from domain.appointments.agenda import Visit
from domain.clinic.settings import ClinicSettings


def calendar(
    visit: Visit, clinic: ClinicSettings, summary: str, *, host: str, now: datetime
) -> bytes:
    """The visit as an .ics file in the clinic's zone."""
    event = Event()
    event.add("uid", f"{visit.id}@{host}")
    event.add("dtstamp", now)
    event.add("dtstart", visit.starts_at.astimezone(clinic.zone))
    event.add("dtend", visit.ends_at.astimezone(clinic.zone))
    event.add("summary", summary.strip())
    if clinic.email:
        event.add("organizer", f"mailto:{quote(clinic.email, safe='@')}")
    event.add("sequence", 2 * visit.version + (visit.state == "cancelled"))
    event.add("status", "CANCELLED" if visit.state == "cancelled" else "CONFIRMED")
    event.add("class", "PRIVATE")
    if not visit.is_virtual:
        place = visit.place
        event.add("location", f"{place.name}, {place.street}, {place.city}")
    made = Calendar()
    made.add("prodid", "-//Portail patient//FR")
    made.add("version", "2.0")
    made.add("method", "CANCEL" if visit.state == "cancelled" else "PUBLISH")
    made.add_component(event)
    year = visit.starts_at.astimezone(clinic.zone).year
    made.add_missing_timezones(date(year - 1, 1, 1), date(year + 1, 12, 31))
    return bytes(made.to_ical())
