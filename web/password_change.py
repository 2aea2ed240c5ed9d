from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.accounts import password_change
from domain.accounts.password_change import NewPassword
from domain.errors import Invalid, TooMany
from web.portal import portal_of
from web.responses import page
from web.sign_in import browser_of, let_in

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]


@get("/compte/mot-de-passe")
async def type_passwords(request: AnyRequest) -> Response[Any]:
    return await _form(request)


@post("/compte/mot-de-passe")
async def change_password(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    new = NewPassword(str(form.get("mot_de_passe", "")), str(form.get("confirmation", "")))
    try:
        entry = await password_change.change(
            request.user,
            str(form.get("ancien", "")),
            new,
            browser_of(request),
            passwords=portal_of(request).passwords,
            now=now,
        )
    except Invalid as refusal:
        return await _form(request, problems=refusal.problems, status_code=422)
    except TooMany as refusal:
        return await _form(request, refusal=refusal, status_code=429)
    return await let_in(request, entry, "/compte/mot-de-passe/termine")


@get("/compte/mot-de-passe/termine")
async def password_changed(request: AnyRequest) -> Response[Any]:
    return await page(request, "password_change/password_changed.html")


async def _form(request: AnyRequest, *, status_code: int = 200, **context: Any) -> Response[Any]:
    return await page(
        request,
        "password_change/type_passwords.html",
        status_code=status_code,
        **{"problems": {}, "refusal": None, **context},
    )
