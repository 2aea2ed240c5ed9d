"""Holding a slot and booking it. The database decides who was first."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import activity, audit, db
from domain.accounts import once, throttles
from domain.appointments import agenda, notices, rules, slots
from domain.appointments.agenda import Visit
from domain.appointments.choices import Choices
from domain.appointments.slots import Search
from domain.appointments.tables import Hold
from domain.clinic.settings import ClinicSettings
from domain.errors import (
    ClashesWithOwnVisit,
    NotAllowed,
    NotFound,
    SlotNotOffered,
    SlotTaken,
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
    """Keep a slot while the patient decides; another choice moves the hold."""
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    check_section(choices, viewer.clinic)
    async with db.transaction():
        await db.lock_row(Patient, patient)  # of two tabs, the later one moves the hold
        await _lock_holds(viewer, profile, slot)
        await _check_open(Search(viewer, profile, choices, now), slot)
        visit = await agenda.proposed(viewer, profile, choices, slot, now=now)
        await check_no_clash(viewer, visit, now)
        await _drop_holds(viewer, profile)
        if not await _take_hold(viewer, profile, slot, now):
            raise SlotTaken
        await audit.record(viewer.actor, "slot.held", patient=patient, subject=slot, at=now)


async def proposal(
    viewer: Viewer, patient: UUID, choices: Choices, slot: UUID, *, now: datetime
) -> Proposal:
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    check_section(choices, viewer.clinic)
    await _check_open(Search(viewer, profile, choices, now), slot)
    visit = await agenda.proposed(viewer, profile, choices, slot, now=now)
    held = (
        await Hold.select(Hold.expires_at)
        .where(
            (Hold.slot == slot) & (Hold.account == viewer.account.id) & (Hold.patient == patient)
        )
        .first()
    )
    is_running = held is not None and held["expires_at"] > now
    return Proposal(visit, held["expires_at"] if held and is_running else None)


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
    content = json.dumps([str(patient), str(slot), str(choices)])
    async with db.transaction():
        earlier = await once.earlier_result(viewer.account.id, "book", form_key, content, now=now)
        if earlier is not None:
            return earlier
        await throttles.take(throttles.BOOKINGS, str(viewer.account.id), now=now)
        await db.lock_row(Patient, patient)
        visit = await _bookable(viewer, profile, choices, slot, now)
        appointment = await _insert(viewer, visit, slot, choices, now)
        await _drop_holds(viewer, profile)
        await once.keep_result(viewer.account.id, "book", form_key, appointment)
        await audit.record(
            viewer.actor, "appointment.booked", patient=patient, subject=appointment, at=now
        )
        await activity.tell(patient, "booked", appointment, about=visit.starts_at, now=now)
        await notices.post("appointment_booked", appointment, patient, viewer, version=1, now=now)
    return appointment


async def release_expired(*, now: datetime) -> None:
    skip = "FOR UPDATE SKIP LOCKED" if db.is_postgres() else ""
    await db.fetch(
        f"DELETE FROM hold WHERE id IN (SELECT id FROM hold WHERE expires_at <= {{}} {skip})", now
    )


async def check_no_clash(viewer: Viewer, visit: Visit, now: datetime) -> None:
    """A patient cannot be in two places: refused by the name of the other visit."""
    clashing = await agenda.overlapping(viewer, visit, now=now)
    if clashing is not None:
        raise ClashesWithOwnVisit(clashing)


async def _bookable(
    viewer: Viewer, profile: Profile, choices: Choices, slot: UUID, now: datetime
) -> Visit:
    await _check_open(Search(viewer, profile, choices, now), slot)
    visit = await agenda.proposed(viewer, profile, choices, slot, now=now)
    await check_no_clash(viewer, visit, now)
    most = viewer.clinic.most_upcoming
    if choices.visit_type and await _upcoming_of_type(profile, choices.visit_type, now) >= most:
        raise TooManyUpcoming(most)
    return visit


async def _check_open(search: Search, slot: UUID) -> None:
    if await slots.is_open(search, slot):
        return
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


async def _take_hold(viewer: Viewer, profile: Profile, slot: UUID, now: datetime) -> bool:
    taken = await db.fetch(
        """
        INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)
        VALUES ({}, {}, {}, {}, {}, {})
        ON CONFLICT (slot) DO UPDATE SET account = excluded.account, patient = excluded.patient,
            placed_at = excluded.placed_at, expires_at = excluded.expires_at
        WHERE hold.expires_at <= excluded.placed_at
        RETURNING id
        """,
        uuid4(),
        slot,
        viewer.account.id,
        profile.id,
        now,
        now + viewer.clinic.hold,
    )
    return bool(taken)


async def _drop_holds(viewer: Viewer, profile: Profile) -> None:
    await Hold.delete().where((Hold.account == viewer.account.id) & (Hold.patient == profile.id))


async def _upcoming_of_type(profile: Profile, visit_type: UUID, now: datetime) -> int:
    rows = await db.fetch(
        """
        SELECT count(*) AS n FROM appointment
        WHERE patient = {} AND visit_type = {} AND cancelled_at IS NULL AND starts_at > {}
        """,
        profile.id,
        visit_type,
        now,
    )
    return int(rows[0]["n"])


async def _insert(
    viewer: Viewer, visit: Visit, slot: UUID, choices: Choices, now: datetime
) -> UUID:
    """The partial unique index on the slot decides, not the look before it."""
    window = timedelta(hours=viewer.clinic.confirm_window_hours)
    with slots.taken_on_conflict():
        booked = await db.fetch(
            """
            INSERT INTO appointment (id, slot, patient, visit_type, practitioner, site, starts_at,
                ends_at, reason, version, booked_at, booked_by, confirmable_at)
            SELECT {}, sl.id, {}, {}, sl.practitioner, sl.site, sl.starts_at, {}, {}, 1, {}, {}, {}
            FROM slot sl WHERE sl.id = {}
            ON CONFLICT DO NOTHING RETURNING id
            """,
            visit.id,
            visit.patient,
            choices.visit_type,
            visit.ends_at,
            rules.read_reason(choices.reason or "", is_required=choices.is_urgent),
            now,
            viewer.account.id,
            # Inside the window its booked mail already asks to confirm: the job adds nothing.
            now if visit.starts_at - now <= window else None,
            slot,
        )
    if not booked:
        raise SlotTaken
    return booked[0]["id"]  # type: ignore[no-any-return]
