"""« Profil »: who someone is, who acts for them, who looked, and what mails come of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.accounts import access, access_journal, languages, requests
from domain.errors import Invalid, TooMany
from domain.mail import preferences
from domain.people import identity, phones
from domain.people.identity import Phones
from domain.texts import read_number
from web.errors import status_of
from web.portal import portal_of
from web.responses import page, see_other
from web.restored import restored
from web.security import cookie

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TAB = "profile"
SECTIONS = {"langue": "langue-titre", "erreur": "identite"}
"""Where it is not called as what was done in it."""
MAIL_FIELDS = {"rendez_vous": "appointment", "communications": "notification"}


@get("/profils/{patient:uuid}/profil")
async def show_profile(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _show(request, patient, now)


@post("/profils/{patient:uuid}/profil/telephones")
async def change_phones(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    typed = Phones(
        str(form.get("telephone", "")),
        str(form.get("telephone_type", "")),
        str(form.get("autre_telephone", "")),
        str(form.get("autre_telephone_type", "")),
    )
    try:
        await identity.change_phones(request.user, patient, typed, now=now)
    except Invalid as refusal:
        return await _show(request, patient, now, typed=typed, problems=refusal.problems)
    return see_other(_url(patient, "telephones"))


@post("/profils/{patient:uuid}/profil/courriels")
async def choose_mails(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    wanted = {mail_class for field, mail_class in MAIL_FIELDS.items() if field in form}
    await preferences.choose(request.user, patient, wanted, now=now)
    return see_other(_url(patient, "courriels"))


@post("/profils/{patient:uuid}/profil/langue")
async def choose_account_language(
    request: AnyRequest, patient: FromPath[UUID], now: Now
) -> Response[Any]:
    viewer, language = request.user, str((await request.form()).get("langue", ""))
    viewer.opening(patient, now)
    try:
        await languages.choose(viewer, language, now=now)
    except Invalid as refusal:
        return await _show(request, patient, now, problems=refusal.problems)
    response = see_other(_url(patient, "langue"))
    response.set_cookie(cookie(portal_of(request).settings, "language", language))
    return response


@get("/profils/{patient:uuid}/profil/journal")
async def journal(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    before = read_number(request.query_params.get("avant", ""), digits=18)
    lines = await access_journal.journal(request.user, patient, before=before, now=now)
    return await page(
        request,
        "profile/journal.html",
        profile=request.user.held(patient),
        tab=TAB,
        journal=lines,
        is_older=before is not None,
    )


@get("/profils/{patient:uuid}/profil/erreur")
async def report_error(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _report(request, patient, now, text=restored(request).get("texte", ""))


@post("/profils/{patient:uuid}/profil/erreur")
async def send_error(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    text = str((await request.form()).get("texte", ""))
    try:
        await requests.ask_to_correct(request.user, patient, text, now=now)
    except (Invalid, TooMany) as refusal:
        return await _report(request, patient, now, text=text, refusal=refusal)
    return see_other(_url(patient, "erreur"))


@get("/profils/{patient:uuid}/profil/acces/{grant:uuid}")
async def ask_to_withdraw(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    holder = await access.holder(request.user, patient, grant, now=now)
    return await page(
        request,
        "profile/ask_to_withdraw.html",
        profile=request.user.held(patient),
        tab=TAB,
        holder=holder,
    )


@post("/profils/{patient:uuid}/profil/acces/{grant:uuid}")
async def withdraw(
    request: AnyRequest, patient: FromPath[UUID], grant: FromPath[UUID], now: Now
) -> Response[Any]:
    await access.withdraw_own(request.user, patient, grant, now=now)
    return see_other(_url(patient, "acces"))


async def _show(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    *,
    typed: Phones | None = None,
    problems: dict[str, str] | None = None,
) -> Response[Any]:
    viewer = request.user
    profile = viewer.opening(patient, now)
    own = await identity.own_identity(viewer, patient, now=now) if profile.is_own else None
    return await page(
        request,
        "profile/show_profile.html",
        status_code=422 if problems else 200,
        current_url=_url(patient) if problems else None,
        profile=profile,
        tab=TAB,
        own=own,
        phones=typed or (own.phones if own else None),
        kinds=phones.KINDS,
        refused=await preferences.refused_classes(viewer.account.id, patient),
        holders=await access.holders(viewer, patient, now=now) if own else [],
        may_end_access=viewer.may_end_access(profile, now),
        may_read_journal=viewer.may_read_journal(profile, now),
        problems=problems or {},
        done=request.query_params.get("fait", ""),
    )


async def _report(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    *,
    text: str = "",
    refusal: Invalid | TooMany | None = None,
) -> Response[Any]:
    return await page(
        request,
        "profile/report_error.html",
        status_code=status_of(refusal) if refusal else 200,
        profile=request.user.opening(patient, now),
        tab=TAB,
        text=text,
        limit=requests.LONGEST,
        refusal=refusal,
    )


def _url(patient: UUID, done: str = "") -> str:
    """Back at the section in which it was done."""
    url = f"/profils/{patient}/profil"
    return f"{url}?fait={done}#{SECTIONS.get(done, done)}" if done else url
