"""All that an account may see, as data to take along: no more than its pages show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import audit
from domain.accounts import access, access_journal, throttles
from domain.accounts.access_journal import Line
from domain.appointments import agenda
from domain.appointments.agenda import Visit
from domain.mail import preferences
from domain.messages import takeaway
from domain.messages.rules import visible_kinds
from domain.messages.takeaway import KeptThread
from domain.people import identity
from domain.people.policy import Grant
from domain.people.viewer import Profile, Viewer

Data = dict[str, Any]


async def export(viewer: Viewer, *, now: datetime) -> Data:
    await throttles.take(throttles.EXPORTS, str(viewer.account.id), now=now)
    open_ones = [profile for profile in viewer.profiles if viewer.may_open(profile, now)]
    patients: list[UUID | None] = [profile.id for profile in open_ones]
    for patient in patients or [None]:
        account = viewer.account.id
        await audit.record(viewer.actor, "export", patient=patient, subject=account, at=now)
    return {
        "exported_at": now.isoformat(),
        "clinic": viewer.clinic.name,
        "account": _account(viewer),
        "profiles": [await _profile(viewer, profile, now) for profile in viewer.profiles],
    }


def _account(viewer: Viewer) -> Data:
    account = viewer.account
    return {
        "email": account.email,
        "language": account.language,
        "password_changed_at": account.password_changed_at.isoformat(),
    }


async def _profile(viewer: Viewer, profile: Profile, now: datetime) -> Data:
    shown: Data = {
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "birth_date": profile.birth_date.isoformat(),
    }
    if not viewer.may_open(profile, now):
        return shown | {"is_lost": True}
    refused = await preferences.refused_classes(viewer.account.id, profile.id)
    shown |= {
        "relationship": profile.relationship,
        "granted_at": profile.granted_at.isoformat(),
        "grants": sorted(profile.grants),
        "mails": {name: name not in refused for name in preferences.CLASSES},
    }
    if profile.is_own:
        shown |= await _own(viewer, profile, now)
    if viewer.may(Grant.BOOK, profile.id, now):
        shown["visits"] = [_visit(visit) for visit in await _visits(viewer, profile, now)]
    if visible_kinds(viewer, profile.id, now):
        kept = await takeaway.threads(viewer, profile.id, now=now)
        shown["communications"] = [_thread(thread) for thread in kept]
    if viewer.may_read_journal(profile, now):
        shown["journal"] = [_line(line) for line in await _journal(viewer, profile, now)]
    return shown


async def _own(viewer: Viewer, profile: Profile, now: datetime) -> Data:
    own = await identity.own_identity(viewer, profile.id, now=now)
    holders = await access.holders(viewer, profile.id, now=now)
    return {
        "practitioner": own.practitioner,
        "health_number": own.health_number,
        "phones": [
            {"number": number, "kind": kind}
            for number, kind in (
                (own.phones.phone, own.phones.phone_kind),
                (own.phones.other_phone, own.phones.other_phone_kind),
            )
            if number
        ],
        "accesses": [
            {
                "name": holder.name,
                "relationship": holder.relationship,
                "granted_at": holder.granted_at.isoformat(),
                "grants": sorted(holder.grants),
                "until": holder.until.isoformat() if holder.until else None,
            }
            for holder in holders
        ],
    }


async def _visits(viewer: Viewer, profile: Profile, now: datetime) -> list[Visit]:
    found = await agenda.upcoming(viewer, [profile.id], now=now)
    before: UUID | None = None
    while True:
        past = await agenda.history(viewer, profile.id, before=before, now=now)
        found += past.visits
        before = past.older
        if before is None:
            return found


def _visit(visit: Visit) -> Data:
    return {
        "starts_at": visit.starts_at.isoformat(),
        "minutes": visit.minutes,
        "state": visit.state,
        "practitioner": visit.practitioner,
        "specialty": visit.specialty.fr,
        "visit_type": visit.visit_type.fr,
        "place": "" if visit.is_virtual else visit.place.name,
        "reason": visit.reason,
    }


def _thread(thread: KeptThread) -> Data:
    """Its files by their names: the portal keeps them."""
    return {
        "subject": thread.subject,
        "messages": [
            {
                "kind": message.kind,
                "sender": message.sender,
                "is_sent_by_clinic": not message.is_own_side,
                "sent_at": message.sent_at.isoformat(),
                "read_at": message.read_at.isoformat() if message.read_at else None,
                "text": message.body,
                "files": message.files,
            }
            for message in thread.messages
        ],
    }


async def _journal(viewer: Viewer, profile: Profile, now: datetime) -> Sequence[Line]:
    found: list[Line] = []
    before: int | None = None
    while True:
        part = await access_journal.journal(viewer, profile.id, before=before, now=now)
        found += part.lines
        before = part.older
        if before is None:
            return found


def _line(line: Line) -> Data:
    return {
        "at": line.at.isoformat(),
        "who": line.who,
        "name": line.name,
        "action": line.action,
        "is_refused": line.is_refused,
    }
