"""« Personnel »: who works at the clinic."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain import texts
from domain.errors import ChangedMeanwhile, Conflict, Invalid, TooMany
from domain.staff import personnel
from domain.staff.personnel import Colleague, Form
from domain.staff.roles import Right
from web.errors import status_of
from web.portal import portal_of
from web.responses import see_other
from web.security import STAFF
from web.staff.editing import version_in
from web.staff.pages import staff_page
from web.staff.picking import FIELD, Sent, sent_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
PERSONNEL = f"{STAFF}/personnel"
ONE = f"{PERSONNEL}/{{member:uuid}}"
FOR_STAFF = {"staff": Right.STAFF}
Refused = Invalid | Conflict | TooMany


@get(PERSONNEL, opt=FOR_STAFF)
async def list_staff(request: AnyRequest, now: Now) -> Response[Any]:
    query = request.query_params
    are_gone = query.get("vue") == "anciens"
    after = texts.read_id(query.get("apres", ""))
    listing = await personnel.colleagues(request.user, are_gone=are_gone, after=after, now=now)
    return await _page(
        request,
        "staff/personnel/list_staff.html",
        listing=listing,
        are_gone=are_gone,
        done=query.get("fait", ""),
        is_first=after is None,
    )


@get(f"{PERSONNEL}/nouveau", opt=FOR_STAFF)
async def write_staff(request: AnyRequest) -> Response[Any]:
    return await _new(request, Form(), str(uuid4()))


@post(f"{PERSONNEL}/nouveau", opt=FOR_STAFF)
async def add_staff(request: AnyRequest, now: Now) -> Response[Any]:
    sent, links = await request.form(), portal_of(request).links
    form, key = Form.of(sent), str(sent.get("cle", ""))
    try:
        meant = await _meant(request, form, sent)
        await personnel.add(request.user, meant, key=key, links=links, now=now)
    except (Invalid, Conflict) as refusal:
        return await _new(request, form, key or str(uuid4()), sent, refusal)
    return see_other(f"{PERSONNEL}?fait=ajout")


@get(ONE, opt=FOR_STAFF)
async def edit_staff(request: AnyRequest, member: FromPath[UUID], now: Now) -> Response[Any]:
    known = await personnel.colleague(request.user, member, now=now)
    return await _edit(request, known, known.form)


@post(ONE, opt=FOR_STAFF)
async def change_staff(request: AnyRequest, member: FromPath[UUID], now: Now) -> Response[Any]:
    sent = await request.form()
    form, version = Form.of(sent), version_in(sent)
    try:
        meant = await _meant(request, form, sent)
        await personnel.change(request.user, member, meant, version, now=now)
    except (Invalid, Conflict) as refusal:
        known = await personnel.colleague(request.user, member, now=now)
        return await _edit(request, known, form, refusal, sent)
    return see_other(f"{PERSONNEL}?fait=changement")


@post(f"{ONE}/lien", opt=FOR_STAFF)
async def send_staff_link(request: AnyRequest, member: FromPath[UUID], now: Now) -> Response[Any]:
    try:
        await personnel.send_link(request.user, member, links=portal_of(request).links, now=now)
    except TooMany as refusal:
        known = await personnel.colleague(request.user, member, now=now)
        return await _edit(request, known, known.form, refusal)
    return see_other(f"{PERSONNEL}/{member}?fait=lien")


@post(f"{ONE}/desactivation", opt=FOR_STAFF)
async def deactivate_staff(request: AnyRequest, member: FromPath[UUID], now: Now) -> Response[Any]:
    try:
        await personnel.deactivate(request.user, member, now=now)
    except Conflict as refusal:
        known = await personnel.colleague(request.user, member, now=now)
        return await _edit(request, known, known.form, refusal)
    return see_other(f"{PERSONNEL}/{member}?fait=desactivation")


@post(f"{ONE}/reactivation", opt=FOR_STAFF)
async def reactivate_staff(request: AnyRequest, member: FromPath[UUID], now: Now) -> Response[Any]:
    await personnel.reactivate(request.user, member, now=now)
    return see_other(f"{PERSONNEL}/{member}?fait=reactivation")


async def _meant(request: AnyRequest, form: Form, sent: FormMultiDict) -> Form:
    """A name that chose nobody is no choice."""
    pick = await sent_pick(request.user, sent)
    return replace(form, intervenant=pick.value or form.intervenant)


async def _new(
    request: AnyRequest,
    form: Form,
    key: str,
    sent: Sent | None = None,
    refusal: Refused | None = None,
) -> Response[Any]:
    return await _page(
        request,
        "staff/personnel/write_staff.html",
        form=form,
        key=key,
        pick=await sent_pick(request.user, sent or {}),
        refusal=refusal,
    )


async def _edit(
    request: AnyRequest,
    known: Colleague,
    form: Form,
    refusal: Refused | None = None,
    sent: Sent | None = None,
) -> Response[Any]:
    own = known.form.intervenant
    return await _page(
        request,
        "staff/personnel/edit_staff.html",
        known=known,
        form=form,
        pick=await sent_pick(request.user, sent or {FIELD: own}, kept=texts.read_id(own)),
        done=request.query_params.get("fait", ""),
        differs=isinstance(refusal, ChangedMeanwhile),
        current_url=f"{PERSONNEL}/{known.id}",
        refusal=refusal,
    )


async def _page(
    request: AnyRequest, template: str, *, refusal: Refused | None = None, **context: Any
) -> Response[Any]:
    is_invalid = isinstance(refusal, Invalid)
    return await staff_page(
        request,
        template,
        tab="staff",
        status_code=status_of(refusal) if refusal else 200,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=None if is_invalid else refusal,
        **context,
    )
