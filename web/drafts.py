from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import DraftIsNewer, Invalid, NotFound, Refusal, ReplyNotOpen
from domain.messages import drafts
from domain.messages.drafts import Draft, Form
from domain.texts import read_id
from web.composing import Typed, page_url
from web.errors import status_of
from web.new_message import form_page
from web.responses import render, see_other
from web.threads import thread_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SURE = "*"


@post("/profils/{patient:uuid}/brouillons")
async def save(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    thread = _thread(form)
    try:
        draft = await _save(request, patient, thread, form, now)
    except (DraftIsNewer, ReplyNotOpen, Invalid) as refusal:
        if "auto" in form:
            return _said(request, None, refusal)
        return await _form_again(request, patient, thread, Typed.sent(form), refusal, now=now)
    return _said(request, draft) if "auto" in form else see_other(page_url(patient, thread))


@post("/profils/{patient:uuid}/brouillons/suppression")
async def delete(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    thread, key = _thread(form), str(form.get("cle", ""))
    await drafts.delete(request.user, patient, thread, key=key, now=now)
    folder = f"/profils/{patient}/communications"
    return see_other(f"{folder}/{thread}" if thread else folder)


async def _save(
    request: AnyRequest, patient: UUID, thread: UUID | None, form: FormMultiDict, now: datetime
) -> Draft | None:
    typed = Typed.sent(form)
    return await drafts.save(
        request.user,
        patient,
        thread,
        team=typed.team,
        subject=typed.subject,
        body=typed.text,
        has_agreed=typed.has_agreed,
        form=Form(
            str(form.get("cle", "")),
            _moment(typed.seen),
            is_sure=typed.seen == SURE,
            is_whole="auto" not in form,
        ),
        now=now,
    )


async def _form_again(
    request: AnyRequest,
    patient: UUID,
    thread: UUID | None,
    typed: Typed,
    refusal: Refusal,
    *,
    now: datetime,
) -> Response[Any]:
    """The page that it was sent from, with all that was typed there."""
    if thread is None:
        return await form_page(request, patient, now, typed, refusal)
    return await thread_page(request, patient, thread, now, refusal=refusal, typed=typed)


def _said(
    request: AnyRequest, draft: Draft | None, refusal: Refusal | None = None
) -> Response[Any]:
    status = status_of(refusal) if refusal else 200
    return render(request, "drafts/save.html", status_code=status, draft=draft, refusal=refusal)


def _thread(form: FormMultiDict) -> UUID | None:
    """Empty is the new message's; what is no id is nothing."""
    text = str(form.get("fil", ""))
    thread = read_id(text)
    if text and thread is None:
        raise NotFound
    return thread


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
