from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import Conflict, Invalid, NotFound, TooMany
from domain.messages import replies
from domain.messages.replies import Reply
from domain.texts import read_id
from web.composing import Typed
from web.responses import leave_to
from web.threads import CameFrom, thread_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
PATH = "/profils/{patient:uuid}/communications/{thread:uuid}/reponse"


@get(PATH)
async def leave_reply(
    request: AnyRequest, patient: FromPath[UUID], thread: FromPath[UUID], now: Now
) -> Response[Any]:
    """The address that a refused form stands at, asked for again."""
    request.user.reading(patient, now)
    return leave_to(request, CameFrom.read(request, patient, now).thread_url(patient, thread))


@post(PATH)
async def send_reply(
    request: AnyRequest, patient: FromPath[UUID], thread: FromPath[UUID], now: Now
) -> Response[Any]:
    form = await request.form()
    typed, key = Typed.sent(form), str(form.get("cle", ""))
    if not key:
        raise NotFound
    reply = Reply(typed.text, typed.has_agreed, read_id(str(form.get("repond_a", ""))))
    try:
        message = await replies.send(request.user, patient, thread, reply, key=key, now=now)
    except (Invalid, Conflict, TooMany) as refusal:
        return await thread_page(request, patient, thread, now, refusal=refusal, typed=typed)
    back = CameFrom.read(request, patient, now).thread_url(patient, thread, fait="reponse")
    return leave_to(request, f"{back}#message-{message}")
