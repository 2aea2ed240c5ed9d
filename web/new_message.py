from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import FormReused, Invalid, NotFound, Refusal, TooMany
from domain.messages import disclaimers, drafts, new_messages, rules
from domain.messages.new_messages import NewMessage
from web.composing import Place, Typed, page_url
from web.errors import status_of
from web.responses import language_of, leave_to, page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
PATH = "/profils/{patient:uuid}/communications/nouveau"


@get(PATH)
async def write(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await form_page(request, patient, now)


@post(PATH)
async def send(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    typed, key = Typed.sent(form), str(form.get("cle", ""))
    if not key:
        raise NotFound
    new = NewMessage(typed.team, typed.subject, typed.text, typed.has_agreed)
    try:
        thread = await new_messages.send(request.user, patient, new, key=key, now=now)
    except (Invalid, FormReused, TooMany) as refusal:
        return await form_page(request, patient, now, typed, refusal)
    return leave_to(request, f"/profils/{patient}/communications/{thread}?fait=message")


async def form_page(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    typed: Typed | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """With what was begun before, or sent and refused."""
    profile = await new_messages.open_form(request.user, patient, now=now)
    draft = await drafts.find(request.user, patient, None)
    return await page(
        request,
        "new_message/write.html",
        status_code=status_of(refusal) if refusal else 200,
        current_url=page_url(patient, None) if refusal else None,
        profile=profile,
        tab="inbox",
        place=Place.of(request, patient, None),
        teams=await new_messages.teams(),
        typed=typed.beside(draft) if typed else Typed.of(draft),
        disclaimer=await disclaimers.current(language_of(request)),
        limit=rules.LONGEST_BODY,
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )
