from typing import Any

from litestar import Request, Response, get, post

from domain.accounts import terms
from domain.errors import NotFound
from domain.texts import read_id
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import language_of, page, see_other

AnyRequest = Request[Any, Any, Any]


@get("/conditions", opt={"before_terms": True})
async def read_terms(request: AnyRequest) -> Response[Any]:
    current = await terms.current(language_of(request))
    onward = request.query_params.get("suivant", "/")
    return await page(
        request,
        "terms/read_terms.html",
        terms=current,
        onward=onward,
        is_accepted=request.user.pending_terms is None,
    )


@post("/conditions", opt={"before_terms": True})
async def accept_terms(request: AnyRequest) -> Response[Any]:
    form = await request.form()
    version = read_id(str(form.get("version", "")))
    if version is None:
        raise NotFound
    now = portal_of(request).now()
    await terms.accept(request.user, version, language_of(request), now=now)
    return see_other(way_onward(str(form.get("suivant", "/")), request))
