"""Patients: found, recorded, corrected."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import matching, patients, people, record, search
from domain.errors import ChangedMeanwhile, Invalid, PossibleDuplicates, Refusal
from domain.staff.roles import Right
from domain.texts import read_id
from web.errors import status_of
from web.responses import see_other
from web.security import STAFF
from web.staff.pages import staff_page
from web.staff.picking import BY_NAME, FIELD, sent_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TAB = "patients"
PATIENTS = f"{STAFF}/patients"
BASE = "avant_"
"""Before a field's name: what stood in it when the form was opened."""
EMPTY = dict.fromkeys(patients.FIELDS, "") | {
    "telephone_type": "mobile",
    "autre_telephone_type": "mobile",
}


@get(PATIENTS, opt={"staff": Right.PATIENTS})
async def find_patients(request: AnyRequest, now: Now) -> Response[Any]:
    text, after = (request.query_params.get(name, "") for name in ("q", "apres"))
    found = await search.search(request.user, text, after=read_id(after), now=now)
    return await staff_page(
        request,
        "staff/patients/find_patients.html",
        tab=TAB,
        about=[row.id for row in found.rows],
        reading="search",
        found=found,
        waiting=await matching.number_waiting(),
    )


@get(f"{PATIENTS}/nouveau", opt={"staff": Right.PATIENTS})
async def new_patient(request: AnyRequest) -> Response[Any]:
    asked = {name: request.query_params.get(name, "") for name in ("compte", "demande")}
    return await _new_page(request, EMPTY | asked)


@post(f"{PATIENTS}/nouveau", opt={"staff": Right.PATIENTS})
async def add_patient(request: AnyRequest, now: Now) -> Response[Any]:
    typed, meant = await _typed(request)
    key, again = typed["cle"], typed["malgre"] == "oui"
    try:
        made = await patients.create(
            request.user, meant, key=key, in_spite_of_similar=again, now=now
        )
    except (Invalid, PossibleDuplicates) as refusal:
        return await _new_page(request, typed, refusal)
    return see_other(_after_making(made, typed))


@get(f"{PATIENTS}/{{patient:uuid}}", opt={"staff": Right.PATIENTS})
async def show_patient(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await staff_page(
        request,
        "staff/patients/show_patient.html",
        tab=TAB,
        about=[patient],
        reading="record",
        record=await record.record(request.user, patient, now=now),
        today=request.user.clinic.today(now),
        done=request.query_params.get("fait", ""),
    )


@get(f"{PATIENTS}/{{patient:uuid}}/modification", opt={"staff": Right.PATIENTS})
async def edit_patient(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _edit_page(request, patient, now)


@post(f"{PATIENTS}/{{patient:uuid}}/modification", opt={"staff": Right.PATIENTS})
async def save_patient(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    typed, meant = await _typed(request)
    try:
        await patients.edit(request.user, patient, meant, version=typed["version"], now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        return await _edit_page(request, patient, now, typed, refusal)
    return see_other(f"{PATIENTS}/{patient}?fait=modification")


async def _typed(request: AnyRequest) -> tuple[dict[str, str], dict[str, str]]:
    """As it stays in the form, and as it is meant: a name that chose nobody is no choice."""
    form = await request.form()
    more = (*patients.FIELDS, *(BASE + name for name in patients.FIELDS))
    names = (*more, FIELD + BY_NAME, "cle", "version", "malgre", "compte", "demande")
    typed = {name: str(form.get(name, "")) for name in names}
    pick = await sent_pick(request.user, typed)
    meant = typed | {FIELD: pick.value or typed[FIELD]}
    return typed if pick.problem else meant, meant


def _after_making(made: UUID, typed: Mapping[str, str]) -> str:
    """For who asked to act for them, on to giving it; else to the chart."""
    account, asked = read_id(typed["compte"]), read_id(typed["demande"])
    if account and asked:
        return f"{PATIENTS}/{made}/acces/nouveau?compte={account}&demande={asked}"
    return f"{PATIENTS}/{made}?fait=creation"


async def _new_page(
    request: AnyRequest, typed: Mapping[str, str], refusal: Refusal | None = None
) -> Response[Any]:
    similar = refusal.similar if isinstance(refusal, PossibleDuplicates) else []
    return await staff_page(
        request,
        "staff/patients/new_patient.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        about=[each.id for each in similar],
        reading="similar",
        current_url=f"{PATIENTS}/nouveau",
        refusal=refusal,
        typed=typed,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        similar=similar,
        pick=await sent_pick(request.user, typed),
        key=secrets.token_urlsafe(16),
    )


async def _edit_page(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    typed: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """After a colleague's change: what was changed here over what is there now, and its version."""
    current = await patients.as_typed(patient)
    is_changed = typed is not None and isinstance(refusal, ChangedMeanwhile)
    shown, base = dict(typed or current), current
    if typed is not None:
        was = {name: typed[BASE + name] for name in patients.FIELDS}
        shown = current | patients.merged(typed, was, current) if is_changed else shown
        base = current if is_changed else was
    return await staff_page(
        request,
        "staff/patients/edit_patient.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        about=[patient],
        reading="record",
        current_url=f"{PATIENTS}/{patient}/modification",
        refusal=refusal,
        person=await people.head(patient),
        today=request.user.clinic.today(now),
        typed=shown,
        base={BASE + name: base[name] for name in patients.FIELDS},
        newer=current if is_changed else {},
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        pick=await sent_pick(request.user, shown, kept=read_id(current[FIELD])),
    )
