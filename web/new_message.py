from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import FormReused, Invalid, NotFound, Refusal, TooMany
from domain.messages import disclaimers, drafts, new_messages, rules
from domain.messages.new_messages import NewMessage
from web.composing import Place, Typed
from web.errors import status_of
from web.responses import language_of, page, seconds_until, see_other

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
PATH = "/profils/{patient:uuid}/communications/nouveau"


@get(PATH)
async def write(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    typed = Typed.of(await drafts.find(request.user, patient, None))
    return await _form(request, patient, now, typed)


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
        return await _form(request, patient, now, typed, refusal)
    return see_other(f"/profils/{patient}/communications/{thread}?fait=message")


async def _form(
    request: AnyRequest, patient: UUID, now: datetime, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    profile = await new_messages.open_form(request.user, patient, now=now)
    response = await page(
        request,
        "new_message/write.html",
        status_code=status_of(refusal) if refusal else 200,
        profile=profile,
        tab="inbox",
        place=Place.of(request, patient, None),
        teams=await new_messages.teams(),
        typed=typed,
        disclaimer=await disclaimers.current(language_of(request)),
        limit=rules.LONGEST_BODY,
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )
    if isinstance(refusal, TooMany):
        response.headers["retry-after"] = seconds_until(refusal.again_at, now)
    return response
