from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain import audit, texts
from domain.appointments import agenda, attendance, cannot_come, invitation
from domain.appointments.agenda import Visit
from domain.errors import Conflict, Invalid, TooMany
from domain.people.policy import Grant
from web.errors import status_of
from web.portal import portal_of
from web.responses import language_of, page, see_other, visits_url

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]


@get("/profils/{patient:uuid}/rendez-vous")
async def visits(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _tab(request, patient, now)


@post("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/confirmation")
async def confirm(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    try:
        await attendance.confirm(request.user, patient, appointment, now=now)
    except Conflict as refusal:
        return await _refused(request, patient, appointment, refusal, now)
    return see_other(visits_url(patient, appointment, done="confirmation"))


@get("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/annulation")
async def ask_to_cancel(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    visit = await agenda.visit_of(request.user, patient, appointment, now=now)
    if not visit.may_cancel:
        return see_other(visits_url(patient, appointment))
    profile = request.user.held(patient)
    return await page(
        request,
        "appointments/ask_to_cancel.html",
        profile=profile,
        tab="appointments",
        visit=visit,
        back_url=visits_url(patient, appointment),
    )


@post("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/annulation")
async def cancel(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    try:
        await attendance.cancel(request.user, patient, appointment, now=now)
    except Conflict as refusal:
        return await _refused(request, patient, appointment, refusal, now)
    return see_other(visits_url(patient, appointment, done="annulation"))


@get("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/calendrier.ics")
async def calendar_file(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[bytes]:
    visit = await agenda.visit_of(request.user, patient, appointment, now=now)
    viewer = request.user
    await audit.record(viewer.actor, "read.calendar", patient=patient, subject=appointment, at=now)
    portal = portal_of(request)
    summary = portal.renderer.render(
        "calendar/summary.txt", language_of(request), viewer.clinic.zone, clinic=viewer.clinic
    )
    content = invitation.calendar(visit, viewer.clinic, summary, host=portal.settings.host, now=now)
    headers = {"content-disposition": 'attachment; filename="rendez-vous.ics"'}
    return Response(content, media_type="text/calendar", headers=headers)


@get("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/absence")
async def ask_cannot_come(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    visit = await cannot_come.asked(request.user, patient, appointment, now=now)
    if not visit.may_say_cannot_come:
        return see_other(visits_url(patient, appointment))
    return await _cannot_come(request, visit)


@post("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/absence")
async def say_cannot_come(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    text = str((await request.form()).get("texte", ""))
    try:
        await cannot_come.tell(request.user, patient, appointment, text, now=now)
    except Conflict as refusal:
        return await _refused(request, patient, appointment, refusal, now)
    except (Invalid, TooMany) as refusal:
        visit = await cannot_come.asked(request.user, patient, appointment, now=now)
        return await _cannot_come(request, visit, text=text, refusal=refusal)
    return see_other(visits_url(patient, appointment, done="absence"))


async def _cannot_come(
    request: AnyRequest, visit: Visit, *, text: str = "", refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    return await page(
        request,
        "appointments/ask_cannot_come.html",
        status_code=status_of(refusal) if refusal else 200,
        profile=request.user.held(visit.patient),
        tab="appointments",
        visit=visit,
        text=text,
        limit=cannot_come.LONGEST,
        refusal=refusal,
        back_url=visits_url(visit.patient, visit.id),
    )


async def _refused(
    request: AnyRequest, patient: UUID, appointment: UUID, refusal: Conflict, now: datetime
) -> Response[Any]:
    """The tab again, with what stands against it; the refused attempt is in the journal."""
    await attendance.record_refusal(request.user, patient, appointment, refusal, now=now)
    return await _tab(request, patient, now, refusal=refusal, opened=str(appointment))


async def _tab(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    *,
    refusal: Conflict | None = None,
    opened: str = "",
) -> Response[Any]:
    viewer = request.user
    profile = viewer.acting_for(patient, Grant.BOOK, now)
    before = texts.read_id(request.query_params.get("avant", ""))
    return await page(
        request,
        "appointments/visits.html",
        status_code=409 if refusal else 200,
        current_url=visits_url(patient) if refusal else None,
        profile=profile,
        tab="appointments",
        visits=await agenda.upcoming(viewer, [patient], now=now),
        history=await agenda.history(viewer, patient, before=before, now=now),
        opened=opened or request.query_params.get("ouvert", ""),
        refusal=refusal,
        done=request.query_params.get("fait", ""),
    )
