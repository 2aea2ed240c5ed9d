"""Absences and closures, and taking time back with the visits that stand in it."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import absences, calls
from domain.desk.absences import Decision, Period, TypedPeriod
from domain.desk.practitioners import pick, whose
from domain.errors import Conflict, Invalid, Refusal
from domain.staff.roles import Right
from domain.texts import read_id
from web.errors import status_of
from web.responses import see_other
from web.staff.calendar import FOLDER, READING, TAB, week_url
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
OF_ONE = f"{FOLDER}/{{practitioner:uuid}}"
OF_ALL = f"{FOLDER}/fermetures"


@get(f"{OF_ONE}/absences", opt={"staff": Right.CALENDAR})
async def list_absences(
    request: AnyRequest, practitioner: FromPath[UUID], now: Now
) -> Response[Any]:
    asked = request.query_params.get("jour", "")
    return await _list(request, practitioner, now, TypedPeriod(first=asked))


@get(f"{OF_ONE}/absences/{{absence:uuid}}/fin", opt={"staff": Right.CALENDAR})
async def ask_to_end_absence(
    request: AnyRequest, practitioner: FromPath[UUID], absence: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _ask_to_reopen(request, practitioner, absence, now)


@post(f"{OF_ONE}/absences/{{absence:uuid}}/fin", opt={"staff": Right.CALENDAR})
async def end_absence(
    request: AnyRequest, practitioner: FromPath[UUID], absence: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _reopen(request, practitioner, absence, now)


@get(f"{OF_ONE}/retrait", opt={"staff": Right.CALENDAR})
async def look_at_period(
    request: AnyRequest, practitioner: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _look(request, practitioner, now)


@post(f"{OF_ONE}/retrait", opt={"staff": Right.CALENDAR})
async def take_period_back(
    request: AnyRequest, practitioner: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _take_back(request, practitioner, now)


@get(OF_ALL, opt={"staff": Right.SETTINGS})
async def list_closures(request: AnyRequest, now: Now) -> Response[Any]:
    return await _list(request, None, now, TypedPeriod())


@get(f"{OF_ALL}/nouvelle", opt={"staff": Right.SETTINGS})
async def look_at_closure(request: AnyRequest, now: Now) -> Response[Any]:
    return await _look(request, None, now)


@post(f"{OF_ALL}/nouvelle", opt={"staff": Right.SETTINGS})
async def close_clinic(request: AnyRequest, now: Now) -> Response[Any]:
    return await _take_back(request, None, now)


@get(f"{OF_ALL}/{{closure:uuid}}/fin", opt={"staff": Right.SETTINGS})
async def ask_to_end_closure(
    request: AnyRequest, closure: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _ask_to_reopen(request, None, closure, now)


@post(f"{OF_ALL}/{{closure:uuid}}/fin", opt={"staff": Right.SETTINGS})
async def end_closure(request: AnyRequest, closure: FromPath[UUID], now: Now) -> Response[Any]:
    return await _reopen(request, None, closure, now)


async def _ask_to_reopen(
    request: AnyRequest, practitioner: UUID | None, absence: UUID, now: datetime
) -> Response[Any]:
    reopening = await absences.reopening(request.user, practitioner, absence, now=now)
    if reopening is None:
        return see_other(f"{_list_url(practitioner)}?fait=deja")
    return await staff_page(
        request,
        "staff/absences/ask_to_end_absence.html",
        tab=TAB,
        practitioner=await whose(request.user, practitioner) if practitioner else None,
        away=reopening.away,
        reopening=reopening,
        horizon=request.user.clinic.last_day(now),
        key=secrets.token_urlsafe(18),
        way_back=_list_url(practitioner),
    )


async def _reopen(
    request: AnyRequest, practitioner: UUID | None, absence: UUID, now: datetime
) -> Response[Any]:
    key = str((await request.form()).get("cle", ""))
    is_removed = await absences.remove(request.user, practitioner, absence, key=key, now=now)
    return see_other(f"{_list_url(practitioner)}?fait={'fin' if is_removed else 'deja'}")


async def _look(request: AnyRequest, practitioner: UUID | None, now: datetime) -> Response[Any]:
    try:
        period = await _period(request, practitioner, now)
        await absences.check_there(request.user, period, now=now)
        return await _list_of_touched(request, period, now)
    except Invalid as refusal:
        return await _list(request, practitioner, now, _typed(request), refusal=refusal)


async def _take_back(
    request: AnyRequest, practitioner: UUID | None, now: datetime
) -> Response[Any]:
    form = await request.form()
    try:
        period = await _period(request, practitioner, now)
        try:
            await absences.take_back(
                request.user,
                period,
                _decisions(form),
                note=str(form.get("mot", "")),
                key=str(form.get("cle", "")),
                now=now,
            )
        except (Invalid, Conflict) as refusal:
            return await _list_of_touched(request, period, now, form=form, refusal=refusal)
    except Invalid as refusal:  # of the period, or of more visits in it than a page can list
        return await _list(request, practitioner, now, _typed(request), refusal=refusal)
    cancelled = [visit for visit, chosen in _decisions(form).items() if chosen.is_cancelled]
    return see_other(_after(period, *await calls.tally(cancelled, now=now)))


async def _period(request: AnyRequest, practitioner: UUID | None, now: datetime) -> Period:
    slot = read_id(request.query_params.get("plage", ""))
    if slot is not None and practitioner is not None:
        return await absences.period_of_slot(request.user, practitioner, slot)
    return await absences.read_period(request.user, practitioner, _typed(request), now=now)


async def _list(
    request: AnyRequest,
    practitioner: UUID | None,
    now: datetime,
    typed: TypedPeriod,
    *,
    refusal: Invalid | None = None,
) -> Response[Any]:
    member = request.user
    away = (
        await absences.absences(member, practitioner, now=now)
        if practitioner
        else await absences.closures(member, now=now)
    )
    return await staff_page(
        request,
        "staff/absences/list_absences.html"
        if practitioner
        else "staff/absences/list_closures.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        refusal=refusal,
        practitioner=await whose(member, practitioner) if practitioner else None,
        pick=await pick(member, practitioner, kept=practitioner) if practitioner else None,
        absences=away,
        typed=typed,
        today=member.clinic.today(now),
        problems=refusal.problems if refusal else {},
        done=request.query_params.get("fait", ""),
    )


async def _list_of_touched(
    request: AnyRequest,
    period: Period,
    now: datetime,
    *,
    form: FormMultiDict | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    touched = await absences.touched(request.user, period, now=now)
    sent = {} if form is None else _decisions(form)
    return await staff_page(
        request,
        "staff/absences/look_at_period.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        refusal=refusal,
        about=[each.patient for each in touched],
        reading=READING,
        period=period,
        practitioner=await whose(request.user, period.practitioner)
        if period.practitioner
        else None,
        touched=touched,
        sent=sent,
        free=await absences.free_in(period, now=now),
        note="" if form is None else str(form.get("mot", "")),
        key=(form.get("cle") if form else "") or secrets.token_urlsafe(18),
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        way_back=_way_back(period),
    )


def _typed(request: AnyRequest) -> TypedPeriod:
    names = ("du", "au", "partie", "motif")
    return TypedPeriod(*(request.query_params.get(name, "") for name in names))


def _decisions(form: FormMultiDict) -> dict[UUID, Decision]:
    """Of each visit that the page listed: what was chosen, and which version was seen."""
    found = {}
    for name, value in form.multi_items():
        visit = read_id(name.removeprefix("version_")) if name.startswith("version_") else None
        if visit is not None and str(value).isdecimal() and len(str(value)) < 9:
            choice = str(form.get(f"choix_{visit}", ""))
            found[visit] = Decision(choice == "annuler", int(str(value)))
    return found


def _way_back(period: Period) -> str:
    if period.slot is not None:
        return f"{FOLDER}/{period.practitioner}/plages/{period.slot}"
    return _list_url(period.practitioner)


def _list_url(practitioner: UUID | None) -> str:
    return f"{FOLDER}/{practitioner}/absences" if practitioner else OF_ALL


def _after(period: Period, mailed: int, to_call: int) -> str:
    if period.practitioner is None:
        return f"{OF_ALL}?fait=retrait-{mailed}-{to_call}"
    done = f"retrait-{mailed}-{to_call}"
    return week_url(period.practitioner, period.first, done=done)
