"""What the clinic offers: one set of pages for sites, specialties, practitioners, types, teams."""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.desk import lists, needs, offered
from domain.desk.offered import Offered
from domain.errors import ChangedMeanwhile, Conflict, Invalid, Refusal, StillInUse
from web.errors import status_of
from web.responses import see_other
from web.restored import restored
from web.staff.editing import typed_in, version_in
from web.staff.pages import staff_page
from web.staff.settings import OPT, SETTINGS, TAB

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
LISTS = [f"{SETTINGS}/{word}" for word in offered.KINDS]
ONES = [f"{SETTINGS}/{word}/{{{kind.name}:uuid}}" for word, kind in offered.KINDS.items()]
ORDERED = [
    f"{SETTINGS}/{word}/{{{kind.name}:uuid}}/ordre"
    for word, kind in offered.KINDS.items()
    if kind.has_order
]


def _beside(paths: list[str], folder: str) -> list[str]:
    return [f"{path}/{folder}" for path in paths]


@get(LISTS, opt=OPT)
async def list_offered(request: AnyRequest) -> Response[Any]:
    return await _list(request)


@get(_beside(LISTS, "nouveau"), opt=OPT)
async def new_offered(request: AnyRequest) -> Response[Any]:
    return await _edit(request, form=restored(request))


@post(_beside(LISTS, "nouveau"), opt=OPT)
async def add_offered(request: AnyRequest, now: Now) -> Response[Any]:
    form, word = typed_in(await request.form()), _word(request)
    try:
        made = await offered.add(request.user, word, form, key=form.get("cle", ""), now=now)
    except Invalid as refusal:
        return await _edit(request, form=form, refusal=refusal)
    return see_other(f"{SETTINGS}/{word}?fait={made}")


@get(ONES, opt=OPT)
async def edit_offered(request: AnyRequest) -> Response[Any]:
    return await _edit(request, thing=await _thing(request), form=restored(request))


@post(ONES, opt=OPT)
async def save_offered(request: AnyRequest, now: Now) -> Response[Any]:
    form, word, thing = typed_in(await request.form()), _word(request), await _thing(request)
    version = version_in(form)
    try:
        await offered.save(request.user, word, thing.id, form, version=version, now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        return await _edit(request, thing=await _thing(request), form=form, refusal=refusal)
    return see_other(f"{SETTINGS}/{word}?fait={thing.id}")


@post(ORDERED, opt=OPT)
async def move_offered(request: AnyRequest, now: Now) -> Response[Any]:
    form, word, id = typed_in(await request.form()), _word(request), _id(request)
    await offered.move(request.user, word, id, up=form.get("sens") == "monter", now=now)
    return see_other(f"{SETTINGS}/{word}#{id}")


@get(_beside(ONES, "fin"), opt=OPT)
async def ask_to_end(request: AnyRequest, now: Now) -> Response[Any]:
    return await _ask(request, now)


@post(_beside(ONES, "fin"), opt=OPT)
async def end_offered(request: AnyRequest, now: Now) -> Response[Any]:
    form, word, id = typed_in(await request.form()), _word(request), _id(request)
    try:
        await offered.end(request.user, word, id, version=version_in(form), now=now)
    except (StillInUse, ChangedMeanwhile) as refusal:
        return await _ask(request, now, refusal=refusal)
    return see_other(f"{SETTINGS}/{word}?fait={id}")


@post(_beside(ONES, "reprise"), opt=OPT)
async def offer_again(request: AnyRequest, now: Now) -> Response[Any]:
    form, word, id = typed_in(await request.form()), _word(request), _id(request)
    try:
        await offered.offer_again(request.user, word, id, version=version_in(form), now=now)
    except Conflict as refusal:
        return await _list(request, refusal=refusal)
    return see_other(f"{SETTINGS}/{word}?fait={id}")


async def _list(request: AnyRequest, *, refusal: Refusal | None = None) -> Response[Any]:
    word = _word(request)
    return await staff_page(
        request,
        "staff/offered/list_offered.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        word=word,
        things=await offered.listed(request.user, word),
        saved=request.query_params.get("fait", ""),
        refusal=refusal,
    )


async def _edit(
    request: AnyRequest,
    *,
    thing: Offered | None = None,
    form: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    word = _word(request)
    shown = offered.typed(word, thing)
    is_kept = bool(form) and not isinstance(refusal, ChangedMeanwhile)
    return await staff_page(
        request,
        "staff/offered/edit_offered.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        word=word,
        thing=thing,
        saved=shown,
        typed=dict.fromkeys(shown, "") | dict(form) if form else shown,
        key=(form or {}).get("cle") or token_urlsafe(16),
        version=version_in(form or {}) if is_kept else thing.version if thing else 0,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        specialties=await lists.specialties() if word == "intervenants" else [],
        unfitting=(await needs.unfitting()).get(thing.id, 0) if thing else 0,
        refusal=refusal,
    )


async def _ask(
    request: AnyRequest, now: datetime, *, refusal: Refusal | None = None
) -> Response[Any]:
    word, thing = _word(request), await _thing(request)
    needed = await needs.of(offered.kind_of(word).name, thing.id, now=now)
    return await staff_page(
        request,
        "staff/offered/ask_to_end.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        word=word,
        thing=thing,
        needed=needed,
        about=[need.patient for need in needed.first if need.patient],
        reading="needs",
        refusal=refusal,
    )


def _word(request: AnyRequest) -> str:
    """The list, by the word of its address."""
    return request.url.path.removeprefix(f"{SETTINGS}/").partition("/")[0]


def _id(request: AnyRequest) -> UUID:
    return next(iter(request.path_params.values()))  # type: ignore[no-any-return]


async def _thing(request: AnyRequest) -> Offered:
    return await offered.one(request.user, _word(request), _id(request))
