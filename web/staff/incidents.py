"""The register of confidentiality incidents."""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import incidents
from domain.desk.incidents import Entry
from domain.desk.sheet import sheet
from domain.errors import ChangedMeanwhile, Invalid, Refusal
from domain.staff.roles import Right
from web.errors import status_of
from web.portal import portal_of
from web.responses import language_of, see_other
from web.restored import restored
from web.security import STAFF
from web.staff.editing import csv_file, typed_in, version_in
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
INCIDENTS = f"{STAFF}/incidents"
TAB = "incidents"
OPT = {"staff": Right.INCIDENTS}


@get(INCIDENTS, opt=OPT)
async def list_incidents(request: AnyRequest) -> Response[Any]:
    before = request.query_params.get("avant", "")
    return await staff_page(
        request,
        "staff/incidents/list_incidents.html",
        tab=TAB,
        register=await incidents.register(request.user, before=before),
        is_older=bool(before),
        saved=request.query_params.get("fait", ""),
    )


@get(f"{INCIDENTS}/nouveau", opt=OPT)
async def new_incident(request: AnyRequest) -> Response[Any]:
    return await _edit(request, form=restored(request))


@post(f"{INCIDENTS}/nouveau", opt=OPT)
async def record_incident(request: AnyRequest, now: Now) -> Response[Any]:
    form = typed_in(await request.form())
    try:
        made = await incidents.record(request.user, form, key=form.get("cle", ""), now=now)
    except Invalid as refusal:
        return await _edit(request, form=form, refusal=refusal)
    return see_other(f"{INCIDENTS}?fait={made}")


@get(f"{INCIDENTS}/{{incident:uuid}}", opt=OPT)
async def edit_incident(request: AnyRequest, incident: FromPath[UUID]) -> Response[Any]:
    entry = await incidents.one(request.user, incident)
    return await _edit(request, entry=entry, form=restored(request))


@post(f"{INCIDENTS}/{{incident:uuid}}", opt=OPT)
async def save_incident(request: AnyRequest, incident: FromPath[UUID], now: Now) -> Response[Any]:
    form, member = typed_in(await request.form()), request.user
    try:
        await incidents.change(member, incident, form, version=version_in(form), now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        entry = await incidents.one(member, incident)
        return await _edit(request, entry=entry, form=form, refusal=refusal)
    return see_other(f"{INCIDENTS}?fait={incident}")


@get(f"{INCIDENTS}/export", opt=OPT)
async def export_incidents(request: AnyRequest, now: Now) -> Response[Any]:
    entries = await incidents.export(request.user, now=now)
    header = portal_of(request).renderer.render(
        "staff/incidents/export_incidents.txt", language_of(request), request.user.clinic.zone
    )
    rows = sheet(header.strip("\n").split("\n"), (_row(entry) for entry in entries))
    return csv_file("incidents.csv", rows)


def _row(entry: Entry) -> list[object]:
    return [
        entry.information,
        entry.circumstances,
        entry.occurred_from,
        entry.occurred_to,
        entry.noticed_on,
        entry.people,
        entry.severity,
        "1" if entry.is_serious else "0",
        entry.commission_told_on,
        entry.people_told_on,
        entry.public_notice,
        entry.measures,
        entry.recorded_by,
    ]


async def _edit(
    request: AnyRequest,
    *,
    entry: Entry | None = None,
    form: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    shown = incidents.typed(entry)
    is_kept = bool(form) and not isinstance(refusal, ChangedMeanwhile)
    return await staff_page(
        request,
        "staff/incidents/edit_incident.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        entry=entry,
        saved=shown,
        typed=dict.fromkeys(shown, "") | dict(form) if form else shown,
        key=(form or {}).get("cle") or token_urlsafe(16),
        version=version_in(form or {}) if is_kept else entry.version if entry else 0,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=refusal,
    )
