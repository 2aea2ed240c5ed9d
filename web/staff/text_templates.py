from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import text_templates
from domain.desk.text_templates import FIRST_NAME, Stored, Text
from domain.errors import ChangedMeanwhile, FormReused, Invalid, NotFound, Refusal
from domain.messages.clinic_side import LONGEST_CLINIC_BODY
from domain.staff.roles import Right
from web.errors import status_of
from web.responses import leave_to
from web.restored import restored
from web.security import STAFF
from web.staff.editing import version_in
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FOLDER = f"{STAFF}/modeles"
MESSAGES = {"staff": Right.MESSAGES}


@get(FOLDER, opt=MESSAGES)
async def list_templates(request: AnyRequest) -> Response[Any]:
    return await staff_page(
        request,
        "staff/text_templates/list_templates.html",
        tab="communications",
        templates=await text_templates.every(),
        done=request.query_params.get("fait", ""),
    )


@get(f"{FOLDER}/nouveau", opt=MESSAGES)
async def new_template(request: AnyRequest) -> Response[Any]:
    kept = restored(request)
    text = _typed(kept) if kept else Text(language=request.user.language)
    return await _form_page(request, text)


@post(f"{FOLDER}/nouveau", opt=MESSAGES)
async def create_template(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    text, key = _typed(form), str(form.get("cle", ""))
    if not key:
        raise NotFound
    try:
        await text_templates.create(request.user, text, key=key, now=now)
    except (Invalid, FormReused) as refusal:
        return await _form_page(request, text, refusal=refusal)
    return leave_to(request, f"{FOLDER}?fait=cree")


@get(f"{FOLDER}/{{template:uuid}}", opt=MESSAGES)
async def edit_template(request: AnyRequest, template: FromPath[UUID]) -> Response[Any]:
    stored = await text_templates.find(template)
    if kept := restored(request):
        return await _form_page(request, _typed(kept), stored, version=version_in(kept))
    text = Text(stored.name, stored.language, stored.subject, stored.body)
    return await _form_page(request, text, stored)


@post(f"{FOLDER}/{{template:uuid}}", opt=MESSAGES)
async def save_template(request: AnyRequest, template: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    text, seen = _typed(form), version_in(form)
    try:
        await text_templates.change(request.user, template, text, seen, now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        stored = await text_templates.find(template)
        version = seen if isinstance(refusal, Invalid) else stored.version
        return await _form_page(request, text, stored, refusal=refusal, version=version)
    return leave_to(request, f"{FOLDER}?fait=modifie")


@post(f"{FOLDER}/{{template:uuid}}/retrait", opt=MESSAGES)
async def end_template(request: AnyRequest, template: FromPath[UUID], now: Now) -> Response[Any]:
    await text_templates.end(request.user, template, now=now)
    return leave_to(request, f"{FOLDER}?fait=retire")


async def _form_page(
    request: AnyRequest,
    text: Text,
    stored: Stored | None = None,
    *,
    refusal: Refusal | None = None,
    version: int | None = None,
) -> Response[Any]:
    """`stored` is what stands there now; after a colleague's change it is shown beside."""
    return await staff_page(
        request,
        "staff/text_templates/edit_template.html",
        status_code=status_of(refusal) if refusal else 200,
        tab="communications",
        text=text,
        stored=stored,
        version=version if version is not None or stored is None else stored.version,
        key=token_urlsafe(18),
        placeholder=FIRST_NAME,
        limit=LONGEST_CLINIC_BODY,
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


def _typed(form: Any) -> Text:
    return Text(
        *(str(form.get(name, "")) for name in ("nom", "langue", "sujet", "texte")),
    )
