"""Writing to one patient, or to many: whom, then what."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.desk import lists, people, sending, text_templates
from domain.desk.communications import Party
from domain.desk.sending import MOST_RECIPIENTS, Recipient
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.messages.clinic_side import LONGEST_CLINIC_BODY
from domain.staff.roles import Right
from domain.texts import read_id
from web.booking_urls import day
from web.errors import status_of
from web.portal import portal_of
from web.responses import leave_to, see_other
from web.security import STAFF
from web.staff.composing import (
    INSERT,
    LARGEST_FORM,
    Typed,
    began,
    inserted,
    written,
)
from web.staff.pages import staff_page
from web.staff.picking import asked_pick, party_value

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FOLDER = f"{STAFF}/communications"
ONE, MANY = f"{FOLDER}/nouvelle", f"{FOLDER}/envoi/message"
CHOOSING = f"{FOLDER}/envoi"
MESSAGES = {"staff": Right.MESSAGES}
WITH_FILES = {**MESSAGES, "files": True}
BYTES_OF_ID = 16


@get(CHOOSING, opt=MESSAGES)
async def choose_recipients(request: AnyRequest, now: Now) -> Response[Any]:
    query = request.query_params
    chosen = unpacked(query.get("a", ""))
    added, taken = unpacked(query.get("avec", "")), unpacked(query.get("sans", ""))
    if added or taken:
        return see_other(_choosing([id for id in (*chosen, *added) if id not in taken]))
    pick, asked = await asked_pick(request.user, query), day(query.get("jour", ""))
    if pick.chosen is not None and asked is not None:
        seen = await sending.seen_on(request.user, pick.chosen, asked, now=now)
        ids = [*chosen, *(each.id for each in seen)]
        return see_other(_choosing(ids, jour=asked.isoformat(), trouves=str(len(seen))))
    people_chosen = await sending.recipients(request.user, chosen, now=now)
    found = await sending.find(request.user, query.get("q", ""), now=now)
    return await staff_page(
        request,
        "staff/sending/choose_recipients.html",
        tab="communications",
        about=[each.id for each in (*people_chosen, *found)],
        reading="recipients",
        chosen=people_chosen,
        found=[each for each in found if each.id not in chosen],
        words=query.get("q", ""),
        day=query.get("jour", ""),
        number_found=query.get("trouves", ""),
        is_day_missing="intervenant" in query and "jour" in query and not pick.problem,
        a=packed(chosen),
        most=MOST_RECIPIENTS,
        pick=pick,
        packed=packed,
        today=request.user.clinic.today(now),
    )


@get(ONE, opt=MESSAGES)
async def write_to_patient(request: AnyRequest, now: Now) -> Response[Any]:
    patient = read_id(request.query_params.get("patient", ""))
    if patient is None:
        return see_other(CHOOSING)
    return await _form_page(request, [patient], now)


@post(ONE, opt=WITH_FILES, request_max_body_size=LARGEST_FORM)
async def send_to_patient(request: AnyRequest, now: Now) -> Response[Any]:
    patient = read_id(request.query_params.get("patient", ""))
    if patient is None:
        raise NotFound
    return await _send(request, [patient], now)


@get(MANY, opt=MESSAGES)
async def write_to_many(request: AnyRequest, now: Now) -> Response[Any]:
    chosen = unpacked(request.query_params.get("a", ""))
    if not chosen:
        return see_other(CHOOSING)
    return await _form_page(request, chosen, now)


@post(MANY, opt=WITH_FILES, request_max_body_size=LARGEST_FORM)
async def send_to_many(request: AnyRequest, now: Now) -> Response[Any]:
    chosen = unpacked(request.query_params.get("a", ""))
    if not chosen:
        raise NotFound
    return await _send(request, chosen, now)


async def _send(request: AnyRequest, patients: Sequence[UUID], now: datetime) -> Response[Any]:
    form = await request.form()
    typed, key = await Typed.sent(request.user, form), str(form.get("cle", ""))
    if not key:
        raise NotFound
    if INSERT in form:
        return await _form_page(request, patients, now, typed=await inserted(typed))
    said, store = await written(form, typed), portal_of(request).files
    try:
        if len(patients) > 1 and not typed.is_sure:
            raise Invalid({"sure": "missing"})
        thread = await sending.send(request.user, patients, said, key=key, store=store, now=now)
    except (Invalid, Conflict) as refusal:
        return await _form_page(request, patients, now, typed=typed, refusal=refusal)
    if len(patients) == 1:
        return leave_to(request, f"{FOLDER}/{thread}?fait=envoi")
    return leave_to(request, f"{FOLDER}?etat=tous&fait=envoi&nombre={len(set(patients))}")


async def _form_page(
    request: AnyRequest,
    patients: Sequence[UUID],
    now: datetime,
    *,
    typed: Typed | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    member = request.user
    to = await sending.recipients(member, patients, now=now)
    if len(to) > MOST_RECIPIENTS:
        raise Invalid({"recipients": "too_many"})
    if typed is None:
        own = _own(member.practitioner, await sending.signers(member))
        typed = await began(request, Typed(signer=own))
    return await staff_page(
        request,
        "staff/sending/write.html",
        status_code=status_of(refusal) if refusal else 200,
        tab="communications",
        about=[each.id for each in to],
        reading="recipients",
        recipients=to,
        person=await people.head(to[0].id) if len(to) == 1 else None,
        action=_action(to),
        choosing=_choosing(patients),
        typed=typed,
        signers=await typed.signers(member),
        sites=await lists.sites(),
        templates=await text_templates.every(),
        limit=LONGEST_CLINIC_BODY,
        today=member.clinic.today(now),
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


def _own(practitioner: UUID | None, offered: sending.Signers) -> str:
    """In one's own name; the desk's first team else."""
    if practitioner is not None:
        return party_value(Party(practitioner))
    return party_value(Party(team=offered.teams[0].id)) if offered.teams else ""


def _action(to: Sequence[Recipient]) -> str:
    if len(to) == 1:
        return f"{ONE}?patient={to[0].id}"
    return f"{MANY}?{urlencode({'a': packed([each.id for each in to])})}"


def _choosing(patients: Iterable[UUID], **more: str) -> str:
    query = {"a": packed(patients)} | more
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{CHOOSING}?{asked}" if asked else CHOOSING


def packed(patients: Iterable[UUID]) -> str:
    """Two hundred of them still fit in an address; each once, in the order of choosing."""
    ids = list(dict.fromkeys(patients))[: MOST_RECIPIENTS + 1]
    return ".".join(urlsafe_b64encode(id.bytes).decode().rstrip("=") for id in ids)


def unpacked(text: str) -> list[UUID]:
    found = []
    for part in text.split(".")[: MOST_RECIPIENTS + 1]:
        try:
            id = urlsafe_b64decode(f"{part}==")
        except ValueError:
            continue
        if len(id) == BYTES_OF_ID:
            found.append(UUID(bytes=id))
    return list(dict.fromkeys(found))
