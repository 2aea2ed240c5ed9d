"""What patients ask of the staff, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import access, people, requests, search
from domain.errors import ChangedMeanwhile, Invalid, Refusal
from domain.staff.roles import Right
from domain.texts import read_id
from web.errors import status_of
from web.responses import see_other
from web.restored import restored
from web.security import STAFF
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TAB = "requests"
REQUESTS = f"{STAFF}/demandes"


@get(REQUESTS, opt={"staff": Right.REQUESTS})
async def list_requests(request: AnyRequest) -> Response[Any]:
    is_handled = request.query_params.get("etat") == "traitees"
    after = read_id(request.query_params.get("apres", ""))
    ask = requests.handled if is_handled else requests.waiting
    listed = await ask(request.user, after=after)
    return await staff_page(
        request,
        "staff/requests/list_requests.html",
        tab=TAB,
        about=[patient for each in listed.asked for patient in each.patients],
        reading="requests",
        listed=listed,
        is_handled=is_handled,
        done=request.query_params.get("fait", ""),
    )


@get(f"{REQUESTS}/{{asked:uuid}}", opt={"staff": Right.REQUESTS})
async def show_request(request: AnyRequest, asked: FromPath[UUID], now: Now) -> Response[Any]:
    kept = restored(request)
    outcome, note = kept.get("suite", ""), kept.get("note", "")
    return await _show(request, asked, now, outcome=outcome, note=note)


@post(f"{REQUESTS}/{{asked:uuid}}", opt={"staff": Right.REQUESTS})
async def handle_request(request: AnyRequest, asked: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    outcome, note = str(form.get("suite", "")), str(form.get("note", ""))
    try:
        await requests.handle(request.user, asked, outcome, note, now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        return await _show(request, asked, now, outcome=outcome, note=note, refusal=refusal)
    return see_other(f"{REQUESTS}?fait=oui")


async def _show(
    request: AnyRequest,
    id: UUID,
    now: datetime,
    *,
    outcome: str = "",
    note: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    """An unanswered wish to act for somebody comes with a search of that patient."""
    asked = await requests.one(request.user, id)
    text = request.query_params.get("q", "")
    found = await search.search(request.user, text, now=now) if text.strip() else None
    given = await access.given_since(request.user, asked.account, asked.asked_at, now=now)
    shown = [*asked.patients, *(each.patient for each in given)]
    return await staff_page(
        request,
        "staff/requests/show_request.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        about=[*shown, *(row.id for row in (found.rows if found else []))],
        reading="requests",
        asked=asked,
        person=await people.head(asked.about.id) if asked.about else None,
        given=given,
        kept_out_of=await requests.kept_out_of(asked.account),
        text=text,
        found=found,
        outcome=outcome,
        note=note,
        limit=requests.LONGEST_NOTE,
        refusal=refusal,
        done=request.query_params.get("fait", ""),
    )
