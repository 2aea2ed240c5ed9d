"""Whom somebody has to call, and who called already: the journal holds the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from domain import audit, db
from domain.appointments import agenda
from domain.appointments.agenda import ClinicsVisit
from domain.appointments.tables import Appointment
from domain.errors import NotFound, VisitBegun
from domain.mail import delivery
from domain.staff.member import Member

Outcome = Literal["reached", "no_answer", "message_left"]
OUTCOMES: dict[str, str] = {
    "reached": "done",
    "no_answer": "done.no_answer",
    "message_left": "done.message_left",
}
CALLS_KEPT = timedelta(days=7)
"""How long a call about a visit that stands is shown beside it."""
SAME_PRESS = timedelta(minutes=1)
MOST_CANDIDATES = 500
CALLED = "appointment.called"


@dataclass(frozen=True, slots=True)
class Call:
    outcome: Outcome
    by: str
    member: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ToCall:
    """A visit that the clinic cancelled and no mail announced."""

    row: ClinicsVisit
    last: Call | None
    """Somebody tried."""


async def record(member: Member, appointment: UUID, outcome: str, *, now: datetime) -> None:
    """A call about a visit to come. Pressed twice, it is one call."""
    if outcome not in OUTCOMES:
        raise NotFound
    async with db.transaction():
        await db.lock_row(Appointment, appointment)
        seen = await agenda.clinics_visit(member.clinic, appointment, now=now)
        member.check_practitioner(seen.practitioner)
        if now >= seen.visit.starts_at:
            raise VisitBegun
        last = await last_call(seen, now=now)
        if seen.visit.state == "confirmed":
            return  # a colleague was quicker
        if last is None or not _is_same(member, last, outcome, now):
            await audit.record(
                member.actor,
                CALLED,
                patient=seen.visit.patient,
                subject=appointment,
                outcome=OUTCOMES[outcome],
                at=now,
            )


def _is_same(member: Member, last: Call, outcome: str, now: datetime) -> bool:
    if last.outcome != outcome:
        return False
    return outcome == "reached" or (last.member == member.id and now - last.at < SAME_PRESS)


async def to_call(member: Member, *, now: datetime) -> list[ToCall]:
    """Of the visits to come, those that the clinic cancelled and the patient does not know of."""
    rows = await db.fetch(
        f"""
        SELECT ap.id FROM appointment ap WHERE {_UNTOLD}
        ORDER BY ap.starts_at, ap.id LIMIT {{}}
        """,
        *_untold_since(now),
        MOST_CANDIDATES,
    )
    if not rows:
        return []
    found = await agenda.clinics_visits(
        member.clinic,
        now,
        None,
        practitioners=member.own,
        among=[row["id"] for row in rows],
        most=MOST_CANDIDATES,
        now=now,
    )
    known = await last_calls(found, now=now)
    each = [ToCall(row, known.get(row.visit.id)) for row in found]
    return [one for one in each if one.last is None or one.last.outcome != "reached"]


async def untold(appointments: Sequence[UUID], *, now: datetime) -> frozenset[UUID]:
    """Those among them that were cancelled, and that no mail announced or will."""
    if not appointments:
        return frozenset()
    rows = await db.fetch(
        f"""
        SELECT ap.id FROM appointment ap
        WHERE {_UNTOLD} AND ap.id IN ({db.places(appointments)})
        """,
        *_untold_since(now),
        *appointments,
    )
    return frozenset(row["id"] for row in rows)


async def tally(appointments: Sequence[UUID], *, now: datetime) -> tuple[int, int]:
    """Of visits that were just cancelled: how many a mail announces, and how many nobody does."""
    alone = len(await untold(appointments, now=now))
    return len(appointments) - alone, alone


async def is_to_call(seen: ClinicsVisit, last: Call | None, *, now: datetime) -> bool:
    is_told = last is not None and last.outcome == "reached"
    return not is_told and bool(await untold([seen.visit.id], now=now))


async def last_call(seen: ClinicsVisit, *, now: datetime) -> Call | None:
    return (await last_calls([seen], now=now)).get(seen.visit.id)


async def last_calls(found: Sequence[ClinicsVisit], *, now: datetime) -> Mapping[UUID, Call]:
    """By visit. What was said before a cancelling was not about the cancelling."""
    if not found:
        return {}
    since = {row.visit.id: row.visit.cancelled_at or now - CALLS_KEPT for row in found}
    rows = await db.fetch(
        f"""
        SELECT l.at, l.subject, l.outcome, l.actor, m.first_name || ' ' || m.last_name AS name
        FROM audit_line l JOIN staff_member m ON m.id = l.actor
        WHERE l.patient IN ({db.places(found)}) AND l.subject IN ({db.places(found)})
          AND l.action = '{CALLED}' AND l.id > coalesce(
              (SELECT b.id FROM audit_line b WHERE b.at < {{}} ORDER BY b.at DESC LIMIT 1), 0)
        ORDER BY l.id
        """,
        *(row.visit.patient for row in found),
        *(row.visit.id for row in found),
        min(since.values()) - SAME_PRESS,
    )
    said = {outcome: name for name, outcome in OUTCOMES.items()}
    return {
        row["subject"]: Call(
            cast("Outcome", said[row["outcome"]]), row["name"], row["actor"], row["at"]
        )
        for row in rows
        if row["outcome"] in said and row["at"] >= since[row["subject"]]
    }


def _untold_since(now: datetime) -> tuple[datetime, datetime]:
    """Mails that left are forgotten after a time: of what is older nothing can be said."""
    return now - delivery.KEPT, now


_UNTOLD = """
    ap.cancelled_by_staff IS NOT NULL AND ap.cancelled_at > {} AND ap.starts_at > {}
    AND NOT EXISTS (
        SELECT 1 FROM proxy_grant g
        JOIN account a ON a.id = g.account
        JOIN outbound_email o ON o.once_key = 'appointment_cancelled:'
            || replace(CAST(ap.id AS varchar), '-', '') || ':' || ap.version || ':'
            || replace(CAST(g.account AS varchar), '-', '')
        WHERE g.patient = ap.patient AND (o.handled_at IS NOT NULL
            OR (o.dropped_at IS NULL AND o.dead_at IS NULL
                AND (o.sent_at IS NOT NULL OR a.undeliverable_at IS NULL))))
"""
"""The keys are those of domain/appointments/notices.py."""
