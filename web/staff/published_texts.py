"""Terms of use and disclaimer: written, looked at as the patient will, then published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.desk import published_texts
from domain.desk.published_texts import Text, Which
from domain.errors import ChangedMeanwhile, Invalid, Refusal
from domain.texts import unfinished
from web.errors import status_of
from web.responses import see_other
from web.staff.editing import typed_in, version_in
from web.staff.pages import staff_page
from web.staff.settings import OPT, SETTINGS, TAB

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TEXTS = f"{SETTINGS}/textes"
WORDS: dict[str, Which] = {"conditions": "terms", "clause": "disclaimer"}
"""By the words of their addresses."""
EACH = [f"{TEXTS}/{word}" for word in WORDS]
VERSIONS = [f"{TEXTS}/{word}/{{{which}:uuid}}" for word, which in WORDS.items()]
LARGEST = 300_000
"""Two long texts, each accent of which takes six letters on the way."""


@get(TEXTS, opt=OPT)
async def list_texts(request: AnyRequest) -> Response[Any]:
    return await staff_page(
        request,
        "staff/published_texts/list_texts.html",
        tab=TAB,
        histories={
            word: await published_texts.history(request.user, which)
            for word, which in WORDS.items()
        },
        saved=request.query_params.get("fait", ""),
    )


@get(VERSIONS, opt=OPT)
async def read_version(request: AnyRequest) -> Response[Any]:
    word, id = _word(request), _id(request)
    return await staff_page(
        request,
        "staff/published_texts/read_version.html",
        tab=TAB,
        word=word,
        version=await published_texts.version(request.user, WORDS[word], id),
    )


@get(EACH, opt=OPT)
async def write_text(request: AnyRequest) -> Response[Any]:
    return await _write(request)


@post(EACH, opt=OPT, request_max_body_size=LARGEST)
async def publish_text(request: AnyRequest, now: Now) -> Response[Any]:
    """« Prévisualiser » first; nothing is published but from the page that shows it whole."""
    form, word = typed_in(await request.form()), _word(request)
    text = Text(unfinished(form.get("francais", "")), unfinished(form.get("anglais", "")))
    after, gesture = version_in(form), form.get("geste", "")
    if gesture == "corriger":
        return await _write(request, text=text, after=after)
    try:
        if gesture != "publier":
            return await _preview(request, published_texts.check(WORDS[word], text), after)
        is_meant = form.get("compris") == "oui"
        await published_texts.publish(
            request.user, WORDS[word], text, after=after, is_meant=is_meant, now=now
        )
    except Invalid as refusal:
        if "compris" in refusal.problems:
            return await _preview(request, text, after, refusal=refusal)
        return await _write(request, text=text, after=after, refusal=refusal)
    except ChangedMeanwhile as refusal:
        return await _write(request, text=text, refusal=refusal)
    return see_other(f"{TEXTS}?fait={word}")


async def _write(
    request: AnyRequest,
    *,
    text: Text | None = None,
    after: int | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    word = _word(request)
    versions = await published_texts.history(request.user, WORDS[word])
    last = versions[0] if versions else None
    return await staff_page(
        request,
        "staff/published_texts/write_text.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        word=word,
        last=last,
        typed=text or (last.text if last else Text("", "")),
        limit=published_texts.LONGEST[WORDS[word]],
        after=(last.number if last else 0) if after is None else after,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=refusal,
    )


async def _preview(
    request: AnyRequest, text: Text, after: int, *, refusal: Refusal | None = None
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/published_texts/preview_text.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        word=_word(request),
        text=text,
        after=after,
        refusal=refusal,
    )


def _word(request: AnyRequest) -> str:
    return request.url.path.removeprefix(f"{TEXTS}/").partition("/")[0]


def _id(request: AnyRequest) -> UUID:
    return next(iter(request.path_params.values()))  # type: ignore[no-any-return]
