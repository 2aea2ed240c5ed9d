"""Booking for a patient on the phone: a type, a time, and it is done."""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.appointments.rules import LONGEST_REASON
from domain.desk import appointments, booking, people, search
from domain.desk.booking import Wish
from domain.desk.practitioners import Pick
from domain.errors import (
    AlreadyBooked,
    Conflict,
    NotFound,
    ReasonInvalid,
    SlotNotOffered,
    SlotTaken,
)
from domain.staff.roles import Right
from domain.texts import read_id
from web import booking_urls as urls
from web.errors import status_of
from web.responses import see_other
from web.security import STAFF
from web.staff.editing import typed_in
from web.staff.pages import staff_page
from web.staff.picking import asked_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
VISITS = f"{STAFF}/patients/{{patient:uuid}}/rendez-vous"
OF_DESK = {"staff": Right.APPOINTMENTS}
PARTS = {"morning": "matin", "afternoon": "apres-midi"}


@get(VISITS, opt=OF_DESK)
async def list_visits(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    before = read_id(request.query_params.get("avant", ""))
    visits = await booking.visits_of(request.user, patient, before=before, now=now)
    return await _page(
        request, "staff/booking/list_visits.html", patient, visits=visits, person=visits.person
    )


@get(f"{VISITS}/nouveau", opt=OF_DESK)
async def choose_time(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    asked = read_id(request.query_params.get("type", ""))
    own = await booking.own_practitioner(request.user, patient, asked)
    pick = await asked_pick(request.user, request.query_params, default=own)
    desk = await booking.desk(request.user, patient, read_wish(request, pick), now=now)
    return await _page(
        request,
        "staff/booking/choose_time.html",
        patient,
        desk=desk,
        pick=pick.beginning_with(desk.primary),
        person=desk.person,
        base=f"{visits_url(patient)}/nouveau",
        wish_query=wish_query,
    )


@get(f"{VISITS}/nouveau/{{slot:uuid}}", opt=OF_DESK)
async def review_booking(
    request: AnyRequest, patient: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    """Everything that would be booked; a time that is gone by now says so at once."""
    typed = {"type": request.query_params.get("type", "")}
    return await _review(request, patient, slot, typed, now=now)


@post(f"{VISITS}/nouveau/{{slot:uuid}}", opt=OF_DESK)
async def book_visit(
    request: AnyRequest, patient: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    form = typed_in(await request.form())
    visit_type, key, reason = (
        read_id(form.get("type", "")),
        form.get("cle", ""),
        form.get("motif", ""),
    )
    if visit_type is None or not key:
        raise NotFound
    try:
        made = await booking.book(
            request.user,
            patient,
            visit_type,
            slot,
            reason=reason,
            is_confirmed="confirme" in form,
            key=key,
            now=now,
        )
    except (Conflict, ReasonInvalid) as refusal:
        return await _refused(request, patient, slot, form, refusal=refusal, now=now)
    return see_other(f"{STAFF}/rendez-vous/{made}?fait=reservation")


@get(f"{STAFF}/plages/{{slot:uuid}}/reservation", opt=OF_DESK)
async def find_patient(request: AnyRequest, slot: FromPath[UUID], now: Now) -> Response[Any]:
    found = None
    if text := request.query_params.get("q", ""):
        found = await search.search(request.user, text, now=now)
    return await staff_page(
        request,
        "staff/booking/find_patient.html",
        tab="today",
        about=[row.id for row in found.rows] if found else [],
        reading="search",
        slot=await booking.free_slot(request.user, slot, now=now),
        found=found,
        text=text,
    )


def visits_url(patient: UUID) -> str:
    return f"{STAFF}/patients/{patient}/rendez-vous"


def read_wish(request: AnyRequest, pick: Pick) -> Wish:
    query = request.query_params
    return Wish(
        visit_type=read_id(query.get("type", "")),
        practitioner=pick.chosen,
        site=read_id(query.get("lieu", "")),
        week=urls.day(query.get("semaine", "")),
        opened=urls.opened_half(query.get("entier", "")),
        are_many=pick.are_many,
    )


def wish_query(wish: Wish, **changed: Any) -> str:
    """What was chosen, for another week or half-day."""
    values = {
        "type": wish.visit_type,
        "intervenant": wish.practitioner or urls.ANYONE_TEXT,
        "lieu": wish.site,
        "semaine": wish.week,
    } | changed
    return urlencode({name: str(value) for name, value in values.items() if value})


async def _refused(
    request: AnyRequest,
    patient: UUID,
    slot: UUID,
    form: dict[str, str],
    *,
    refusal: Conflict | ReasonInvalid,
    now: datetime,
) -> Response[Any]:
    if isinstance(refusal, AlreadyBooked):
        return see_other(f"{STAFF}/rendez-vous/{refusal.appointment}")
    if isinstance(refusal, Conflict):
        await booking.record_refusal(request.user, patient, slot, refusal, now=now)
    return await _review(request, patient, slot, form, now=now, refusal=refusal)


async def _review(
    request: AnyRequest,
    patient: UUID,
    slot: UUID,
    typed: dict[str, str],
    *,
    now: datetime,
    refusal: Conflict | ReasonInvalid | None = None,
) -> Response[Any]:
    member, free = request.user, await booking.free_slot(request.user, slot, now=now)
    asked = read_id(typed.get("type", ""))
    is_fitting = asked in {each.id for each in free.types}
    chosen = asked if is_fitting else await booking.preferred_type(patient, free.types)
    against = refusal or await booking.against(member, patient, chosen, slot, now=now)
    if isinstance(against, AlreadyBooked):
        return see_other(f"{STAFF}/rendez-vous/{against.appointment}")
    is_gone = isinstance(against, SlotTaken | SlotNotOffered)
    nearest = (
        await booking.nearest(member, patient, chosen, slot, now=now) if chosen and is_gone else []
    )
    return await _page(
        request,
        "staff/booking/review_booking.html",
        patient,
        status_code=status_of(refusal) if refusal else 200,
        current_url=f"{visits_url(patient)}/nouveau/{slot}" if refusal else None,
        person=await people.head(patient),
        slot=free,
        chosen=chosen,
        asks_to_confirm=booking.asks_to_confirm(member, free.starts_at, now=now),
        typed=typed,
        key=secrets.token_urlsafe(18),
        nearest=nearest,
        readers=await appointments.readers_of(patient, now=now),
        limit=LONGEST_REASON,
        against=against,
    )


async def _page(
    request: AnyRequest, template: str, patient: UUID, *, status_code: int = 200, **context: Any
) -> Response[Any]:
    return await staff_page(
        request,
        template,
        tab="patients",
        status_code=status_code,
        about=[patient],
        reading="booking" if "list_visits" not in template else "visits",
        **context,
    )
