"""Holding a slot and booking it. The database decides who was first."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID, uuid4

from domain import activity, audit, clock, db
from domain.accounts import once, throttles
from domain.appointments import agenda, notices, rules, slots
from domain.appointments.agenda import Visit
from domain.appointments.choices import Choices
from domain.appointments.slots import Search, Searching
from domain.clinic.settings import ClinicSettings
from domain.errors import (
    AlreadyBooked,
    ClashesWithOwnVisit,
    Conflict,
    NotAllowed,
    NotFound,
    Refusal,
    SlotNotOffered,
    SlotTaken,
    TooMany,
    TooManyUpcoming,
)
from domain.people.policy import Grant
from domain.people.tables import Patient
from domain.people.viewer import Profile, Viewer


@dataclass(frozen=True, slots=True)
class Proposal:
    """A slot as it would be booked: what the confirmation card shows."""

    visit: Visit
    held_until: datetime | None


def check_section(choices: Choices, clinic: ClinicSettings) -> None:
    if not (clinic.has_urgent_booking if choices.is_urgent else clinic.has_booking):
        raise NotAllowed


async def hold(
    viewer: Viewer, patient: UUID, choices: Choices, slot: UUID, *, now: datetime
) -> None:
    """Keep a slot while the patient decides; another choice moves the hold, the same keeps it."""
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    check_section(choices, viewer.clinic)
    try:
        await _hold(viewer, profile, choices, slot, now=now)
    except TooMany:
        raise
    except Refusal:
        # What was rolled back counts too: a script may not try for a slot without end.
        await throttles.count(throttles.HOLDS, str(viewer.account.id), now=now)
        raise


async def _hold(
    viewer: Viewer, profile: Profile, choices: Choices, slot: UUID, *, now: datetime
) -> None:
    async with db.transaction():
        await throttles.take(throttles.HOLDS, str(viewer.account.id), now=now)
        await db.lock_row(Patient, profile.id)  # of two tabs, the later one moves the hold
        await _lock_holds(viewer, profile, slot)
        _, held_until = await _bookable(viewer, profile, choices, slot, now)
        if held_until is not None:
            return
        await db.write(_drop_holds(viewer, profile))
        taken = await db.write(
            audit.line(viewer.actor, "slot.held", patient=profile.id, subject=slot, at=now),
            _take_hold(viewer, profile, slot, now),
        )
        if not taken:
            raise SlotTaken


async def proposal(
    viewer: Viewer, patient: UUID, choices: Choices, slot: UUID, *, now: datetime
) -> Proposal:
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    check_section(choices, viewer.clinic)
    visit, facts = await _proposed(viewer, profile, choices, slot, now)
    return Proposal(visit, facts.held_until)


async def book(
    viewer: Viewer,
    patient: UUID,
    choices: Choices,
    slot: UUID,
    *,
    form_key: str,
    now: datetime,
) -> UUID:
    """The new appointment's id; the same form sent again gives the same one."""
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    check_section(choices, viewer.clinic)
    rules.read_reason(choices.reason or "", is_required=choices.is_urgent)
    try:
        return await _book(viewer, profile, choices, slot, form_key=form_key, now=now)
    except Conflict:
        # What was rolled back counts too: a script may not try for a slot without end.
        await throttles.count(throttles.BOOKINGS, str(viewer.account.id), now=now)
        raise


async def _book(
    viewer: Viewer,
    profile: Profile,
    choices: Choices,
    slot: UUID,
    *,
    form_key: str,
    now: datetime,
) -> UUID:
    patient = profile.id
    appointment = uuid4()
    content = json.dumps([str(patient), str(slot), str(choices)])
    async with db.transaction():
        first = await once.claim(
            viewer.account.id, "book", form_key, content, result=appointment, now=now
        )
        if first != appointment:
            return first
        await throttles.take(throttles.BOOKINGS, str(viewer.account.id), now=now)
        await db.lock_row(Patient, patient)
        visit, _ = await _bookable(viewer, profile, choices, slot, now)
        reason = rules.read_reason(choices.reason or "", is_required=choices.is_urgent)
        visit = replace(visit, id=appointment, reason=reason)
        await insert(visit, choices.visit_type, viewer.clinic, account=viewer.account.id, now=now)
        kind = "appointment_booked"
        mails = await notices.mails(kind, appointment, patient, viewer, version=1, now=now)
        await db.write(
            _drop_holds(viewer, profile),
            audit.line(
                viewer.actor, "appointment.booked", patient=patient, subject=appointment, at=now
            ),
            activity.entry(patient, "booked", appointment, about=visit.starts_at, now=now),
            *mails,
        )
    return appointment


async def record_refusal(
    viewer: Viewer, patient: UUID, slot: UUID, refusal: Refusal, *, now: datetime
) -> None:
    await audit.record(
        viewer.actor,
        "slot.refused",
        patient=patient,
        subject=slot,
        outcome=f"refused.{refusal.code}",
        at=now,
    )


async def release_expired(*, now: datetime) -> None:
    """Those that a wrong clock would have last for days too."""
    skip = "FOR UPDATE SKIP LOCKED" if db.is_postgres() else ""
    await db.fetch(
        f"""
        DELETE FROM hold WHERE id IN (
            SELECT id FROM hold WHERE expires_at <= {{}} OR placed_at > {{}} {skip}
        )
        """,
        now,
        now + clock.AHEAD,
    )


async def _proposed(
    viewer: Viewer, profile: Profile, choices: Choices, slot: UUID, now: datetime
) -> tuple[Visit, "_Facts"]:
    """The visit this slot would make; one's own visit stands before what others took."""
    if not choices.has_offer:  # what is not chosen would narrow nothing down
        raise SlotNotOffered
    visit = await agenda.proposed(
        viewer.clinic, profile, choices.visit_type, slot, reason=choices.reason or "", now=now
    )
    await check_own_time(viewer.clinic, visit, now=now)
    search = Search(viewer, profile, choices, now)
    facts = await _facts(search, slot)
    if not facts.is_open:
        await _refuse_closed(search, slot)
    return visit, facts


@dataclass(frozen=True, slots=True)
class _Facts:
    """What decides on a slot, read at once."""

    is_open: bool
    held_until: datetime | None
    """By this viewer for this profile."""
    upcoming: int
    """The patient's visits of this type that are still to come."""


async def _facts(search: Search, slot: UUID) -> _Facts:
    condition, values = slots.open_one(search, slot)
    patient, now = search.profile.id, search.now
    rows = await db.fetch(
        f"""
        SELECT {condition} AS is_open,
            (SELECT expires_at FROM hold WHERE slot = {{}} AND account = {{}} AND patient = {{}}
                AND expires_at > {{}}) AS held_until,
            (SELECT count(*) FROM appointment WHERE patient = {{}} AND visit_type = {{}}
                AND cancelled_at IS NULL AND starts_at > {{}}) AS upcoming
        """,
        *values,
        slot,
        search.viewer.account.id,
        patient,
        now,
        patient,
        search.choices.visit_type,
        now,
    )
    row = rows[0]
    return _Facts(bool(row["is_open"]), row["held_until"], row["upcoming"])


async def check_own_time(clinic: ClinicSettings, proposed: Visit, *, now: datetime) -> None:
    """A patient is not in two places at once."""
    clashing = await agenda.overlapping(clinic, proposed, now=now)
    if clashing is not None and clashing.slot == proposed.slot:
        raise AlreadyBooked(clashing.id)
    if clashing is not None:
        raise ClashesWithOwnVisit(clashing)


async def _bookable(
    viewer: Viewer, profile: Profile, choices: Choices, slot: UUID, now: datetime
) -> tuple[Visit, datetime | None]:
    """With the end of the hold that this viewer has of it, if any."""
    visit, facts = await _proposed(viewer, profile, choices, slot, now)
    most = viewer.clinic.most_upcoming
    if facts.upcoming >= most:
        raise TooManyUpcoming(most)
    return visit, facts.held_until


async def check_open(search: Searching, slot: UUID) -> None:
    if not await slots.is_open(search, slot):
        await _refuse_closed(search, slot)


async def _refuse_closed(search: Searching, slot: UUID) -> NoReturn:
    found = await db.fetch(
        """
        SELECT sl.starts_at > {} AS is_coming, (
            EXISTS (SELECT 1 FROM appointment ap
                    WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
            OR EXISTS (SELECT 1 FROM hold h WHERE h.slot = sl.id AND h.expires_at > {})) AS is_taken
        FROM slot sl WHERE sl.id = {}
        """,
        search.now,
        search.now,
        slot,
    )
    if not found:
        raise NotFound
    raise SlotTaken if found[0]["is_taken"] and found[0]["is_coming"] else SlotNotOffered


async def _lock_holds(viewer: Viewer, profile: Profile, slot: UUID) -> None:
    """The one to leave and the one to take over, in the same order for all: no deadlock."""
    if db.is_postgres():
        await db.fetch(
            """
            SELECT id FROM hold WHERE slot = {} OR (account = {} AND patient = {})
            ORDER BY id FOR UPDATE
            """,
            slot,
            viewer.account.id,
            profile.id,
        )


def _take_hold(viewer: Viewer, profile: Profile, slot: UUID, now: datetime) -> db.Write:
    """No row where another has it."""
    return db.Write(
        """
        INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)
        VALUES ({}, {}, {}, {}, {}, {})
        ON CONFLICT (slot) DO UPDATE SET account = excluded.account, patient = excluded.patient,
            placed_at = excluded.placed_at, expires_at = excluded.expires_at
        WHERE hold.expires_at <= excluded.placed_at
        RETURNING id
        """,
        (uuid4(), slot, viewer.account.id, profile.id, now, now + viewer.clinic.hold),
    )


def _drop_holds(viewer: Viewer, profile: Profile) -> db.Write:
    return db.Write(
        "DELETE FROM hold WHERE account = {} AND patient = {}", (viewer.account.id, profile.id)
    )


async def drop_hold(patient: UUID, slot: UUID) -> None:
    """What a patient kept is theirs now, or the clinic gave it to them."""
    await db.fetch("DELETE FROM hold WHERE slot = {} AND patient = {}", slot, patient)


async def insert(
    visit: Visit,
    visit_type: UUID | None,
    clinic: ClinicSettings,
    *,
    account: UUID | None = None,
    staff: UUID | None = None,
    now: datetime,
) -> None:
    """The partial unique index on the slot decides, not the look before it."""
    window = timedelta(hours=clinic.confirm_window_hours)
    # The staff may be withdrawing it at this moment: then it is looked at after they did.
    share = "FOR SHARE" if db.is_postgres() else ""
    with slots.taken_on_conflict():
        booked = await db.fetch(
            f"""
            INSERT INTO appointment (id, slot, patient, visit_type, practitioner, site, starts_at,
                ends_at, reason, version, booked_at, booked_by, booked_by_staff, confirmable_at)
            SELECT {{}}, sl.id, {{}}, {{}}, sl.practitioner, sl.site, sl.starts_at, {{}}, {{}},
                1, {{}}, {{}}, {{}}, {{}}
            FROM slot sl WHERE sl.id = {{}} AND sl.withdrawn_at IS NULL {share}
            ON CONFLICT DO NOTHING RETURNING id
            """,
            visit.id,
            visit.patient,
            visit_type,
            visit.ends_at,
            visit.reason,
            now,
            account,
            staff,
            # Inside the window its booked mail already asks to confirm: the job adds nothing.
            now if visit.starts_at - now <= window else None,
            visit.slot,
        )
    if not booked:
        raise SlotTaken
