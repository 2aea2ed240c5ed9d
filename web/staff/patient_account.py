"""A patient's account: what the clinic does about it at their asking, and never its password."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.accounts import email_change
from domain.desk import patient_account, people, record
from domain.errors import Invalid
from domain.staff.roles import Right
from web.portal import portal_of
from web.responses import see_other
from web.staff.pages import staff_page
from web.staff.patients import PATIENTS, TAB

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ACCOUNT = f"{PATIENTS}/{{patient:uuid}}/compte"


@get(ACCOUNT, opt={"staff": Right.PATIENTS})
async def show_account(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await staff_page(
        request,
        "staff/patient_account/show_account.html",
        tab=TAB,
        about=[patient],
        reading="account",
        person=await people.head(patient),
        today=request.user.clinic.today(now),
        account=await record.account_of(patient, now=now),
        done=request.query_params.get("fait", ""),
    )


@post(f"{ACCOUNT}/deblocage", opt={"staff": Right.PATIENTS})
async def unlock_account(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    await patient_account.unlock(request.user, patient, now=now)
    return _done(patient, "deblocage")


@post(f"{ACCOUNT}/reinitialisation", opt={"staff": Right.PATIENTS})
async def mail_reset_link(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    links = portal_of(request).links
    await patient_account.mail_reset_link(request.user, patient, links=links, now=now)
    return _done(patient, "reinitialisation")


@post(f"{ACCOUNT}/deconnexion", opt={"staff": Right.PATIENTS})
async def end_sessions(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    await patient_account.end_sessions(request.user, patient, now=now)
    return _done(patient, "deconnexion")


@post(f"{ACCOUNT}/desactivation", opt={"staff": Right.PATIENTS})
async def disable_account(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    await patient_account.disable(request.user, patient, now=now)
    return _done(patient, "desactivation")


@post(f"{ACCOUNT}/activation", opt={"staff": Right.PATIENTS})
async def enable_account(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    await patient_account.enable(request.user, patient, now=now)
    return _done(patient, "activation")


@get(f"{ACCOUNT}/courriel", opt={"staff": Right.PATIENTS})
async def ask_new_address(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _address_page(request, patient, now)


@post(f"{ACCOUNT}/courriel", opt={"staff": Right.PATIENTS})
async def change_address(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    portal, form = portal_of(request), await request.form()
    email, verified = str(form.get("courriel", "")), form.get("identite") == "oui"
    try:
        code = await patient_account.change_email(
            request.user,
            patient,
            email,
            is_verified=verified,
            links=portal.links,
            passwords=portal.passwords,
            now=now,
        )
    except Invalid as refusal:
        return await _address_page(request, patient, now, email, verified, refusal=refusal)
    return await _address_page(request, patient, now, email, code=code)


def _done(patient: UUID, what: str) -> Response[Any]:
    return see_other(f"{PATIENTS}/{patient}/compte?fait={what}")


async def _address_page(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    email: str = "",
    is_verified: bool = False,
    *,
    refusal: Invalid | None = None,
    code: str = "",
) -> Response[Any]:
    """With the code it is the answer, which shows it this once."""
    return await staff_page(
        request,
        "staff/patient_account/ask_new_address.html",
        tab=TAB,
        status_code=422 if refusal else 200,
        about=[patient],
        reading="account",
        current_url=f"{PATIENTS}/{patient}/compte/courriel",
        refusal=refusal,
        person=await people.head(patient),
        today=request.user.clinic.today(now),
        account=await record.account_of(patient, now=now),
        email=email,
        is_verified=is_verified,
        problems=refusal.problems if refusal else {},
        code=code,
        life=email_change.LIFE,
    )
