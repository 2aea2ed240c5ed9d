"""The weekly templates of a practitioner: looked at with their effect before they are saved."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.clinic.hours import MOST_LINES, TypedLine
from domain.desk import hours, lists
from domain.desk.hours import Effect, Template, Typed
from domain.desk.practitioners import pick, whose
from domain.errors import ChangedMeanwhile, Conflict, Invalid, Refusal
from domain.staff.roles import Right
from web.errors import status_of
from web.responses import see_other
from web.staff.calendar import FOLDER, READING, TAB
from web.staff.editing import version_in
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
HOURS = f"{FOLDER}/{{practitioner:uuid}}/horaires"
ONE = f"{HOURS}/{{schedule:uuid}}"
BLANK_LINES = 3
MORE_LINES = 5


@get(HOURS, opt={"staff": Right.TEMPLATES})
async def list_hours(request: AnyRequest, practitioner: FromPath[UUID]) -> Response[Any]:
    return await staff_page(
        request,
        "staff/hours/list_hours.html",
        tab=TAB,
        practitioner=await whose(request.user, practitioner, Right.TEMPLATES),
        pick=await pick(request.user, practitioner, kept=practitioner),
        templates=await hours.templates(request.user, practitioner),
        done=request.query_params.get("fait", ""),
    )


@get(f"{HOURS}/nouveau", opt={"staff": Right.TEMPLATES})
async def write_hours(request: AnyRequest, practitioner: FromPath[UUID]) -> Response[Any]:
    return await _form(request, practitioner, None, Typed())


@post(f"{HOURS}/nouveau", opt={"staff": Right.TEMPLATES})
async def add_hours(request: AnyRequest, practitioner: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    typed = _typed(form)
    try:
        if answer := await _looked_at(request, practitioner, None, form, now):
            return answer
        key = str(form.get("cle", ""))
        await hours.add(request.user, practitioner, typed, key=key, now=now)
    except (Invalid, Conflict) as refusal:
        return await _form(request, practitioner, None, typed, form=form, refusal=refusal)
    return see_other(_url(practitioner, "ajout"))


@get(ONE, opt={"staff": Right.TEMPLATES})
async def edit_hours(
    request: AnyRequest, practitioner: FromPath[UUID], schedule: FromPath[UUID]
) -> Response[Any]:
    found = await hours.template(request.user, practitioner, schedule)
    return await _form(request, practitioner, found, found.typed)


@post(ONE, opt={"staff": Right.TEMPLATES})
async def save_hours(
    request: AnyRequest, practitioner: FromPath[UUID], schedule: FromPath[UUID], now: Now
) -> Response[Any]:
    form, found = await request.form(), await hours.template(request.user, practitioner, schedule)
    typed, version = _typed(form, found), version_in(form)
    try:
        if answer := await _looked_at(request, practitioner, found, form, now):
            return answer
        await hours.save(request.user, practitioner, schedule, typed, version=version, now=now)
    except (Invalid, Conflict) as refusal:
        return await _form(request, practitioner, found, typed, form=form, refusal=refusal)
    return see_other(_url(practitioner, "enregistrement"))


@get(f"{ONE}/fin", opt={"staff": Right.TEMPLATES})
async def ask_to_end_hours(
    request: AnyRequest, practitioner: FromPath[UUID], schedule: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _ask_to_end(request, practitioner, schedule, now)


@post(f"{ONE}/fin", opt={"staff": Right.TEMPLATES})
async def end_hours(
    request: AnyRequest, practitioner: FromPath[UUID], schedule: FromPath[UUID], now: Now
) -> Response[Any]:
    version = version_in(await request.form())
    try:
        await hours.end(request.user, practitioner, schedule, version=version, now=now)
    except ChangedMeanwhile as refusal:
        return await _ask_to_end(request, practitioner, schedule, now, refusal=refusal)
    return see_other(_url(practitioner, "fin"))


async def _looked_at(
    request: AnyRequest,
    practitioner: UUID,
    found: Template | None,
    form: FormMultiDict,
    now: datetime,
) -> Response[Any] | None:
    """The form again, where it was not sent to be saved."""
    act, typed = form.get("acte", ""), _typed(form, found)
    if act == "lignes":
        return await _form(request, practitioner, found, typed, form=form, blank=MORE_LINES)
    if act == "apercu":
        effect = await hours.preview(
            request.user, practitioner, found.id if found else None, typed, now=now
        )
        return await _form(request, practitioner, found, typed, form=form, effect=effect)
    return None


async def _form(
    request: AnyRequest,
    practitioner: UUID,
    template: Template | None,
    typed: Typed,
    *,
    form: FormMultiDict | None = None,
    effect: Effect | None = None,
    blank: int = BLANK_LINES,
    refusal: Refusal | None = None,
) -> Response[Any]:
    is_changed = isinstance(refusal, ChangedMeanwhile)
    if is_changed and template is not None:
        template = await hours.template(request.user, practitioner, template.id)
    is_newest = form is None or is_changed
    lines = [line for line in typed.lines if not line.is_blank] if form is None else typed.lines
    room = max(0, MOST_LINES - len(lines))
    return await staff_page(
        request,
        "staff/hours/hours_form.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        refusal=refusal,
        about=[each.patient for each in effect.staying] if effect else [],
        reading=READING,
        practitioner=await whose(request.user, practitioner, Right.TEMPLATES),
        schedule=template,
        typed=typed,
        lines=[*lines, *[TypedLine()] * min(room, _blank(typed, blank, form))],
        sites=await lists.sites(),
        visit_types=await hours.visit_types(),
        version=template.version if template and is_newest else version_in(form or {}),
        key=str(form.get("cle", "")) if form else secrets.token_urlsafe(18),
        effect=effect,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        saved=template if is_changed else None,
    )


def _blank(typed: Typed, wanted: int, form: FormMultiDict | None) -> int:
    """Lines to fill in, below those that are there."""
    left = sum(line.is_blank for line in typed.lines) if form is not None else 0
    return wanted if wanted == MORE_LINES else max(0, wanted - left)


async def _ask_to_end(
    request: AnyRequest,
    practitioner: UUID,
    schedule: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Response[Any]:
    effect = await hours.effect_of_ending(request.user, practitioner, schedule, now=now)
    return await staff_page(
        request,
        "staff/hours/ask_to_end_hours.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        refusal=refusal,
        about=[each.patient for each in effect.staying],
        reading=READING,
        practitioner=await whose(request.user, practitioner, Right.TEMPLATES),
        schedule=await hours.template(request.user, practitioner, schedule),
        effect=effect,
    )


def _typed(form: FormMultiDict, found: Template | None = None) -> Typed:
    numbers = range(1, MOST_LINES + 1)
    sent = [n for n in numbers if f"jour_{n}" in form]
    lines = tuple(
        TypedLine(*(str(form.get(f"{part}_{n}", "")) for part in ("jour", "debut", "fin", "duree")))
        for n in sent
    )
    site = str(found.site) if found else str(form.get("lieu", ""))
    types = (name.removeprefix("type_") for name in form if name.startswith("type_"))
    return Typed(site, frozenset(types), lines)


def _url(practitioner: UUID, done: str) -> str:
    return f"{FOLDER}/{practitioner}/horaires?fait={done}"
