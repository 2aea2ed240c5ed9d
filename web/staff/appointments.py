"""One visit: what is known of it, and what the clinic does with it."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.appointments.rules import LONGEST_NOTE
from domain.desk import appointments, booking, calls, lists
from domain.desk.appointments import Move
from domain.errors import Conflict, Invalid
from domain.staff.member import Member
from domain.staff.roles import Right
from web.errors import status_of
from web.redirects import way_onward
from web.responses import see_other
from web.restored import restored
from web.security import STAFF
from web.staff.booking import read_wish, wish_query
from web.staff.editing import typed_in, version_in
from web.staff.pages import staff_page
from web.staff.picking import asked_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ONE = f"{STAFF}/rendez-vous/{{appointment:uuid}}"
OF_DAY = {"staff": Right.DAY}
OF_DESK = {"staff": Right.APPOINTMENTS}
Act = Callable[..., Awaitable[object]]


def visit_url(appointment: UUID, done: str = "") -> str:
    return f"{STAFF}/rendez-vous/{appointment}" + (f"?fait={done}" if done else "")


@get(ONE, opt=OF_DAY)
async def open_appointment(
    request: AnyRequest, appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _visit(request, appointment, now)


@post(f"{ONE}/confirmation", opt=OF_DESK)
async def confirm_by_phone(
    request: AnyRequest, appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _act(request, appointments.confirm, appointment, "confirmation", now)


@post(f"{ONE}/appel", opt=OF_DESK)
async def note_call(request: AnyRequest, appointment: FromPath[UUID], now: Now) -> Response[Any]:
    outcome = typed_in(await request.form()).get("suite", "")

    async def act(member: Member, visit: UUID, *, version: int, now: datetime) -> None:
        await calls.record(member, visit, outcome, now=now)

    return await _act(request, act, appointment, "appel", now)


@post(f"{ONE}/absence", opt=OF_DESK)
async def mark_no_show(request: AnyRequest, appointment: FromPath[UUID], now: Now) -> Response[Any]:
    return await _act(request, appointments.mark_no_show, appointment, "absence", now)


@post(f"{ONE}/absence/retrait", opt=OF_DESK)
async def undo_no_show(request: AnyRequest, appointment: FromPath[UUID], now: Now) -> Response[Any]:
    return await _act(request, appointments.undo_no_show, appointment, "absence-retiree", now)


@get(f"{ONE}/annulation", opt=OF_DESK)
async def ask_to_cancel_visit(
    request: AnyRequest, appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _cancelling(request, appointment, restored(request), now)


@post(f"{ONE}/annulation", opt=OF_DESK)
async def cancel_visit(request: AnyRequest, appointment: FromPath[UUID], now: Now) -> Response[Any]:
    form = typed_in(await request.form())
    note, version = form.get("mot", ""), version_in(form)
    try:
        await appointments.cancel(request.user, appointment, note=note, version=version, now=now)
    except (Conflict, Invalid) as refusal:
        return await _cancelling(request, appointment, form, now, refusal)
    return see_other(visit_url(appointment, "annulation"))


@get(f"{ONE}/deplacement", opt=OF_DESK)
async def choose_new_time(
    request: AnyRequest, appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    desk = await appointments.open_visit(request.user, appointment, now=now)
    if not desk.stands:
        return see_other(visit_url(appointment))
    pick = await asked_pick(request.user, request.query_params, default=desk.practitioner)
    wish = read_wish(request, pick)
    return await _page(
        request,
        "staff/appointments/choose_new_time.html",
        desk,
        wish=wish,
        week=await booking.week_of(
            request.user,
            desk.visit.patient,
            desk.visit_type,
            wish,
            is_urgent=desk.visit.is_urgent,
            now=now,
        ),
        pick=pick,
        sites=await lists.sites(),
        base=f"{visit_url(appointment)}/deplacement",
        wish_query=wish_query,
    )


@get(f"{ONE}/deplacement/{{slot:uuid}}", opt=OF_DESK)
async def review_move(
    request: AnyRequest, appointment: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _moving(request, appointment, slot, restored(request), now=now)


@post(f"{ONE}/deplacement/{{slot:uuid}}", opt=OF_DESK)
async def move_visit(
    request: AnyRequest, appointment: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    form = typed_in(await request.form())
    move = Move(slot, form.get("mot", ""), version_in(form), form.get("cle", ""))
    try:
        await appointments.move(request.user, appointment, move, now=now)
    except (Conflict, Invalid) as refusal:
        return await _moving(request, appointment, slot, form, now=now, refusal=refusal)
    return see_other(visit_url(appointment, "deplacement"))


async def _act(
    request: AnyRequest, act: Act, appointment: UUID, done: str, now: datetime
) -> Response[Any]:
    """One press, from the visit's page or from the day."""
    form = typed_in(await request.form())
    try:
        await act(request.user, appointment, version=version_in(form), now=now)
    except Conflict as refusal:
        return await _visit(request, appointment, now, refusal)
    back = way_onward(form.get("suivant", ""), request)
    return see_other(back if back != "/" else visit_url(appointment, done))


async def _visit(
    request: AnyRequest, appointment: UUID, now: datetime, refusal: Conflict | None = None
) -> Response[Any]:
    return await _page(
        request,
        "staff/appointments/open_appointment.html",
        await appointments.open_visit(request.user, appointment, now=now),
        happened=await appointments.happened(request.user, appointment, now=now),
        readers=await appointments.readers(request.user, appointment, now=now),
        done=request.query_params.get("fait", ""),
        refusal=refusal,
    )


async def _cancelling(
    request: AnyRequest,
    appointment: UUID,
    typed: Mapping[str, str],
    now: datetime,
    refusal: Conflict | Invalid | None = None,
) -> Response[Any]:
    """The form again with what was typed, where there is still something to cancel."""
    desk = await appointments.open_visit(request.user, appointment, now=now)
    if not desk.stands:
        against = refusal if isinstance(refusal, Conflict) else None
        return await _visit(request, appointment, now, against)
    readers = await appointments.readers(request.user, appointment, now=now)
    return await _page(
        request,
        "staff/appointments/ask_to_cancel_visit.html",
        desk,
        typed=typed,
        readers=readers,
        limit=LONGEST_NOTE,
        refusal=refusal,
    )


async def _moving(
    request: AnyRequest,
    appointment: UUID,
    slot: UUID,
    typed: Mapping[str, str],
    *,
    now: datetime,
    refusal: Conflict | Invalid | None = None,
) -> Response[Any]:
    desk = await appointments.open_visit(request.user, appointment, now=now)
    if not desk.stands:
        against = refusal if isinstance(refusal, Conflict) else None
        return await _visit(request, appointment, now, against)
    return await _page(
        request,
        "staff/appointments/review_move.html",
        desk,
        slot=await booking.free_slot(request.user, slot, now=now),
        typed=typed,
        # A refused form may be sent again with another text: that is another one.
        key=secrets.token_urlsafe(18),
        readers=await appointments.readers(request.user, appointment, now=now),
        limit=LONGEST_NOTE,
        refusal=refusal,
    )


async def _page(
    request: AnyRequest,
    template: str,
    desk: appointments.DeskVisit,
    *,
    refusal: Conflict | Invalid | None = None,
    **context: Any,
) -> Response[Any]:
    is_invalid = isinstance(refusal, Invalid)
    return await staff_page(
        request,
        template,
        tab="today",
        status_code=status_of(refusal) if refusal else 200,
        current_url=visit_url(desk.visit.id) if refusal else None,
        about=[desk.visit.patient],
        reading="appointment",
        desk=desk,
        visit=desk.visit,
        person=desk.person,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=None if is_invalid else refusal,
        **context,
    )
