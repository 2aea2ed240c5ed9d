from typing import Any

from litestar import Request, Response, post

from domain.accounts.languages import LANGUAGES
from domain.errors import NotFound
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import see_other
from web.security import cookie


@post("/langue", opt={"public": True})
async def choose_language(request: Request[Any, Any, Any]) -> Response[Any]:
    form = await request.form()
    language = str(form.get("langue", ""))
    if language not in LANGUAGES:
        raise NotFound
    response = see_other(way_onward(str(form.get("suivant", "/")), request))
    response.set_cookie(cookie(portal_of(request).settings, "language", language))
    return response
