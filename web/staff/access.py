"""Who acts for a patient: given, changed, taken back, agreed to, blocked."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.accounts.blocking import LONGEST_REASON
from domain.desk import access, people
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.people.coming_of_age import is_of_age
from domain.staff.roles import Right
from domain.texts import read_id
from web.errors import status_of
from web.responses import see_other
from web.restored import restored
from web.security import STAFF
from web.staff.editing import typed_in
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TAB = "patients"
READING = "access"
OF_PATIENT = f"{STAFF}/patients/{{patient:uuid}}/acces"
CONSENT = ("comment", "jusqu_au")
GIVEN = (*access.FIELDS, *CONSENT, "compte", "lien", "cle", "demande")
CHANGED = (*access.FIELDS, *CONSENT, "vu", "accord_vu")
BLOCKED = ("qui", "courriel", "motif", "sans_courriel", "cle")


@get(OF_PATIENT, opt={"staff": Right.PATIENTS})
async def list_access(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    overview = await access.overview(request.user, patient, now=now)
    return await staff_page(
        request,
        "staff/access/list_access.html",
        tab=TAB,
        about=[patient, *(each.patient for each in overview.held)],
        reading=READING,
        person=overview.person,
        overview=overview,
        today=request.user.clinic.today(now),
        done=request.query_params.get("fait", ""),
    )


@get(f"{OF_PATIENT}/nouveau", opt={"staff": Right.PATIENTS})
async def new_access(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    query = request.query_params
    account = read_id(query.get("compte", ""))
    if account is None:
        return await _choose(request, patient, query.get("q", ""), now)
    asked = {"compte": str(account), "demande": query.get("demande", "")}
    return await _giving(request, patient, account, _fields(GIVEN, asked), now)


@post(f"{OF_PATIENT}/nouveau", opt={"staff": Right.PATIENTS})
async def give_access(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    typed = _fields(GIVEN, typed_in(await request.form()))
    account = read_id(typed["compte"])
    if account is None:
        return await _choose(request, patient, "", now, is_missing=True)
    try:
        await access.give(request.user, patient, typed, key=typed["cle"], now=now)
    except (Invalid, Conflict) as refusal:
        return await _giving(request, patient, account, typed, now, refusal=refusal)
    asked = read_id(typed["demande"])
    return see_other(f"{STAFF}/demandes/{asked}?fait=acces" if asked else _url(patient, "acces"))


@get(f"{OF_PATIENT}/{{grant:uuid}}", opt={"staff": Right.PATIENTS})
async def edit_access(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _editing(request, patient, grant, now)


@post(f"{OF_PATIENT}/{{grant:uuid}}", opt={"staff": Right.PATIENTS})
async def change_access(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    typed = _fields(CHANGED, typed_in(await request.form()))
    try:
        await access.change(request.user, patient, grant, typed, now=now)
    except (Invalid, Conflict) as refusal:
        return await _editing(request, patient, grant, now, typed=typed, refusal=refusal)
    return see_other(_url(patient, "changement"))


@post(f"{OF_PATIENT}/{{grant:uuid}}/accord/fin", opt={"staff": Right.PATIENTS})
async def end_agreement(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    await access.end_agreement(request.user, patient, grant, now=now)
    return see_other(_url(patient, "fin"))


@get(f"{OF_PATIENT}/{{grant:uuid}}/retrait", opt={"staff": Right.PATIENTS})
async def ask_to_detach(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _detaching(request, patient, grant, now)


@post(f"{OF_PATIENT}/{{grant:uuid}}/retrait", opt={"staff": Right.PATIENTS})
async def detach_access(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    why = str((await request.form()).get("motif", ""))
    try:
        await access.detach(request.user, patient, grant, why, now=now)
    except Invalid as refusal:
        return await _detaching(request, patient, grant, now, refusal)
    return see_other(_url(patient, "retrait"))


@get(f"{OF_PATIENT}/blocage", opt={"staff": Right.PATIENTS})
async def ask_to_block(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _blocking(request, patient, _fields(BLOCKED, restored(request)), now)


@post(f"{OF_PATIENT}/blocage", opt={"staff": Right.PATIENTS})
async def block_access(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    typed = _fields(BLOCKED, typed_in(await request.form()))
    try:
        await access.block(request.user, patient, typed, key=typed["cle"], now=now)
    except (Invalid, Conflict) as refusal:
        return await _blocking(request, patient, typed, now, refusal)
    return see_other(_url(patient, "blocage"))


@get(f"{OF_PATIENT}/blocage/{{block:uuid}}", opt={"staff": Right.PATIENTS})
async def ask_to_lift(
    request: AnyRequest, patient: FromPath[UUID], block: FromPath[UUID], now: Now
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/access/ask_to_lift.html",
        block=await access.blocked(request.user, patient, block),
        **await _about(request, patient, now),
    )


@post(f"{OF_PATIENT}/blocage/{{block:uuid}}", opt={"staff": Right.PATIENTS})
async def lift_block(
    request: AnyRequest, patient: FromPath[UUID], block: FromPath[UUID], now: Now
) -> Response[Any]:
    await access.lift(request.user, patient, block, now=now)
    return see_other(_url(patient, "levee"))


async def _choose(
    request: AnyRequest, patient: UUID, text: str, now: datetime, *, is_missing: bool = False
) -> Response[Any]:
    found = await access.candidates(request.user, text, now=now) if text.strip() else []
    about = await _about(request, patient, now)
    about["about"] += [each.own for each in found if each.own is not None]
    return await staff_page(
        request,
        "staff/access/choose_account.html",
        status_code=422 if is_missing else 200,
        text=text,
        found=found,
        is_missing=is_missing,
        asked=read_id(request.query_params.get("demande", "")),
        **about,
    )


async def _giving(
    request: AnyRequest,
    patient: UUID,
    account: UUID,
    typed: dict[str, str],
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Response[Any]:
    holder = await access.candidate(request.user, account)
    about = await _about(request, patient, now)
    about["about"] += [holder.own] if holder.own else []
    if refusal is None and not about["is_of_age"]:  # who acts for a child mostly does all of it
        typed = typed | dict.fromkeys(access.FIELDS, "oui")
    return await staff_page(
        request,
        "staff/access/new_access.html",
        status_code=status_of(refusal) if refusal else 200,
        holder=holder,
        blocks=await access.blocks_against(request.user, patient, account),
        typed=typed,
        key=typed["cle"] or secrets.token_urlsafe(18),
        refusal=refusal,
        **about,
    )


async def _editing(
    request: AnyRequest,
    patient: UUID,
    grant: UUID,
    now: datetime,
    *,
    typed: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """What they may do, and the person's agreement, as they are now."""
    found = await access.one(request.user, patient, grant, now=now)
    if found.is_own:
        raise NotFound
    allowed = {name: "oui" if each in found.grants else "" for name, each in access.FIELDS.items()}
    return await staff_page(
        request,
        "staff/access/edit_access.html",
        status_code=status_of(refusal) if refusal else 200,
        access=found,
        seen=",".join(sorted(found.grants)),
        typed=typed or _fields(CHANGED, allowed),
        refusal=refusal,
        **await _about(request, patient, now),
    )


async def _detaching(
    request: AnyRequest, patient: UUID, grant: UUID, now: datetime, refusal: Invalid | None = None
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/access/ask_to_detach.html",
        status_code=status_of(refusal) if refusal else 200,
        access=await access.one(request.user, patient, grant, now=now),
        reasons=access.REASONS,
        refusal=refusal,
        **await _about(request, patient, now),
    )


async def _blocking(
    request: AnyRequest,
    patient: UUID,
    typed: dict[str, str],
    now: datetime,
    refusal: Refusal | None = None,
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/access/ask_to_block.html",
        status_code=status_of(refusal) if refusal else 200,
        holders=await access.past_holders(request.user, patient),
        typed=typed,
        key=typed["cle"] or secrets.token_urlsafe(18),
        limit=LONGEST_REASON,
        refusal=refusal,
        **await _about(request, patient, now),
    )


async def _about(request: AnyRequest, patient: UUID, now: datetime) -> dict[str, Any]:
    """What every page about this patient's accesses needs."""
    person, clinic = await people.head(patient), request.user.clinic
    return {
        "tab": TAB,
        "about": [patient],
        "reading": READING,
        "person": person,
        "today": clinic.today(now),
        "is_of_age": is_of_age(person.birth_date, clinic, now),
        "fields": access.FIELDS,
        "relationships": access.RELATIONSHIPS,
    }


def _fields(names: tuple[str, ...], typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed.get(name, "") for name in names}


def _url(patient: UUID, done: str) -> str:
    return f"{STAFF}/patients/{patient}/acces?fait={done}"
