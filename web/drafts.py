from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import DraftIsNewer, NotFound, Refusal
from domain.messages import drafts
from domain.messages.drafts import Draft, Form
from web.composing import Typed, as_id, page_url
from web.errors import status_of
from web.responses import render, see_other

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SURE = "*"


@post("/profils/{patient:uuid}/brouillons")
async def save(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    thread = _thread(form)
    try:
        draft = await _save(request, patient, thread, form, now)
    except DraftIsNewer as refusal:
        if "auto" not in form:
            raise
        return _said(request, None, refusal)
    return _said(request, draft) if "auto" in form else see_other(page_url(patient, thread))


@post("/profils/{patient:uuid}/brouillons/suppression")
async def delete(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    thread = _thread(await request.form())
    await drafts.delete(request.user, patient, thread, now=now)
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
        form=Form(str(form.get("cle", "")), _moment(typed.seen), typed.seen == SURE),
        now=now,
    )


def _said(
    request: AnyRequest, draft: Draft | None, refusal: Refusal | None = None
) -> Response[Any]:
    status = status_of(refusal) if refusal else 200
    return render(request, "drafts/save.html", status_code=status, draft=draft, refusal=refusal)


def _thread(form: FormMultiDict) -> UUID | None:
    """Empty is the new message's; what is no id is nothing."""
    text = str(form.get("fil", ""))
    thread = as_id(text)
    if text and thread is None:
        raise NotFound
    return thread


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
