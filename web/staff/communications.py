"""The clinic's inbox, and a thread as the staff read it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from domain.desk import communications, lists, people, practitioners, sending, text_templates
from domain.desk.communications import Asked, Party, Status
from domain.desk.practitioners import Pick
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.messages.attachments import Opened
from domain.messages.clinic_side import LONGEST_CLINIC_BODY
from domain.staff.roles import Right
from domain.texts import read_id
from web.attachments import VIEWER_POLICY, answer
from web.errors import status_of
from web.portal import portal_of
from web.responses import leave_to
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
from web.staff.picking import party_value, pick_party
from web.threads import OLDER, is_fetched_ahead

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FOLDER = f"{STAFF}/communications"
THREAD = f"{FOLDER}/{{thread:uuid}}"
MESSAGES = {"staff": Right.MESSAGES}
STATUSES: dict[str, Status] = {
    "en-attente": "waiting",
    "confies": "assigned",
    "fermes": "closed",
    "tous": "all",
}
MINE = "moi"


@get(FOLDER, opt=MESSAGES)
async def show_inbox(request: AnyRequest, now: Now) -> Response[Any]:
    party, pick = await pick_party(request.user, request.query_params, "pour")
    asked = _asked(request, party)
    inbox = await communications.inbox(request.user, asked, now=now)
    query = {name: request.query_params.get(name, "") for name in ("etat", "q")}
    query["pour"] = MINE if asked.is_mine else party_value(party)
    return await staff_page(
        request,
        "staff/communications/show_inbox.html",
        tab="communications",
        about=[row.patient for row in inbox.rows],
        reading="communications",
        inbox=inbox,
        query=query,
        statuses=STATUSES,
        url=lambda **changes: _with(FOLDER, query | changes),
        pick=pick,
        teams=await lists.teams(),
        done=request.query_params.get("fait", ""),
        sent=request.query_params.get("nombre", ""),
    )


@get(f"{STAFF}/patients/{{patient:uuid}}/communications", opt=MESSAGES)
async def patient_threads(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    await sending.recipients(request.user, [patient], now=now)
    after = read_id(request.query_params.get("apres", ""))
    asked = Asked("all", patient=patient, after=after)
    return await staff_page(
        request,
        "staff/communications/patient_threads.html",
        tab="patients",
        about=[patient],
        reading="patient_threads",
        person=await people.head(patient),
        inbox=await communications.inbox(request.user, asked, now=now),
        today=request.user.clinic.today(now),
        url=lambda **changes: _with(f"{STAFF}/patients/{patient}/communications", changes),
    )


@get(THREAD, opt=MESSAGES)
async def show_staff_thread(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    return await thread_page(request, thread, now)


@get(f"{THREAD}/reponse", opt=MESSAGES)
async def leave_staff_answer(
    request: AnyRequest, thread: FromPath[UUID], now: Now
) -> Response[Any]:
    """The address that a refused form stands at, asked for again."""
    await communications.patient_of(request.user, thread)
    return leave_to(request, f"{FOLDER}/{thread}")


@post(f"{THREAD}/reponse", opt={**MESSAGES, "files": True}, request_max_body_size=LARGEST_FORM)
async def answer_thread(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    form, key = await request.form(), _key(await request.form())
    typed = await Typed.sent(request.user, form)
    if INSERT in form:
        return await thread_page(request, thread, now, typed=await inserted(typed))
    said, store = await written(form, typed), portal_of(request).files
    try:
        seen = read_id(typed.newest)
        await sending.answer(request.user, thread, said, key=key, seen=seen, store=store, now=now)
    except (Invalid, Conflict) as refusal:
        return await thread_page(request, thread, now, typed=typed, refusal=refusal)
    return leave_to(request, f"{FOLDER}/{thread}?fait=reponse#fin")


@post(f"{THREAD}/droit-de-reponse", opt=MESSAGES)
async def decide_reply(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    message, said = read_id(str(form.get("message", ""))), str(form.get("permise", ""))
    if message is None or said not in {"oui", "non"}:
        raise NotFound
    await communications.allow_reply(
        request.user, thread, message, is_allowed=said == "oui", now=now
    )
    return leave_to(request, f"{FOLDER}/{thread}?fait={'permise' if said == 'oui' else 'refusee'}")


@post(f"{THREAD}/responsable", opt=MESSAGES)
async def assign_thread(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    to, pick = await pick_party(request.user, form, "a", is_final=True)
    seen = read_id(str(form.get("avant", "")))
    try:
        await communications.assign(request.user, thread, to, seen=seen, now=now)
    except (Invalid, Conflict) as refusal:
        return await thread_page(request, thread, now, assigned=pick, refusal=refusal)
    return leave_to(request, f"{FOLDER}/{thread}?fait=confie")


@get(f"{THREAD}/responsable", opt=MESSAGES)
async def leave_assigning(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    """The address that a refused form stands at, asked for again."""
    await communications.patient_of(request.user, thread)
    return leave_to(request, f"{FOLDER}/{thread}")


@post(f"{THREAD}/fermeture", opt=MESSAGES)
async def close_thread(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    await communications.close(request.user, thread, now=now)
    return leave_to(request, f"{FOLDER}/{thread}?fait=ferme")


@post(f"{THREAD}/reouverture", opt=MESSAGES)
async def reopen_thread(request: AnyRequest, thread: FromPath[UUID], now: Now) -> Response[Any]:
    await communications.reopen(request.user, thread, now=now)
    return leave_to(request, f"{FOLDER}/{thread}?fait=rouvert")


@get(f"{THREAD}/pieces-jointes/{{attachment:uuid}}", opt=MESSAGES)
async def show_thread_file(
    request: AnyRequest, thread: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> ASGIApp:
    found = await _file(request, thread, attachment, "inline", now)
    found.headers["content-security-policy"] = VIEWER_POLICY
    return found


@get(f"{THREAD}/pieces-jointes/{{attachment:uuid}}/telechargement", opt=MESSAGES)
async def download_thread_file(
    request: AnyRequest, thread: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> ASGIApp:
    return await _file(request, thread, attachment, "attachment", now)


async def thread_page(
    request: AnyRequest,
    thread: UUID,
    now: datetime,
    *,
    typed: Typed | None = None,
    assigned: Pick | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """With the answer's form: as it begins, or as it was left."""
    member, query = request.user, request.query_params
    before, is_read = read_id(query.get(OLDER, "")), not is_fetched_ahead(request)
    view = await communications.open(member, thread, before=before, is_read=is_read, now=now)
    if typed is None:
        typed = await began(request, Typed(signer=party_value(view.party), may_answer=True))
    return await staff_page(
        request,
        "staff/communications/show_staff_thread.html",
        status_code=status_of(refusal) if refusal else 200,
        tab="communications",
        about=[view.patient.id],
        reading="thread",
        current_url=f"{FOLDER}/{thread}" if refusal else None,
        view=view,
        action=f"{FOLDER}/{thread}/reponse",
        typed=typed,
        signers=await typed.signers(member),
        assigned=assigned or await practitioners.pick(member, view.party.practitioner),
        teams=await lists.teams(),
        templates=await text_templates.every(),
        limit=LONGEST_CLINIC_BODY,
        party=party_value(view.party),
        today=member.clinic.today(now),
        done=query.get("fait", ""),
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


async def _file(
    request: AnyRequest, thread: UUID, attachment: UUID, disposition: str, now: datetime
) -> ASGIResponse:
    store = portal_of(request).files

    async def find(*, is_beginning: bool) -> Opened:
        return await communications.open_attachment(
            request.user, thread, attachment, store, is_beginning=is_beginning, now=now
        )

    return await answer(request, request.user.id, find, disposition)


def _asked(request: AnyRequest, party: Party) -> Asked:
    query = request.query_params
    return Asked(
        status=STATUSES.get(query.get("etat", ""), "waiting"),
        party=party,
        is_mine=query.get("pour", "") == MINE and party == Party(),
        words=query.get("q", ""),
        after=read_id(query.get("apres", "")),
    )


def _key(form: Any) -> str:
    key = str(form.get("cle", ""))
    if not key:
        raise NotFound
    return key


def _with(path: str, query: dict[str, str]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{asked}" if asked else path
