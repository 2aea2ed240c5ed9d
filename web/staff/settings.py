"""« Réglages »: each with its effect, and what follows from it at once."""

import re
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.clinic.settings import LEGAL_AGES, ClinicSettings
from domain.desk import consent_age, sample_mail, settings
from domain.desk.consent_age import Rule
from domain.errors import AccessWouldChange, ChangedMeanwhile, Invalid, Refusal
from domain.staff.roles import Right
from web.errors import status_of
from web.portal import portal_of
from web.responses import language_of, see_other
from web.security import STAFF
from web.staff.editing import typed_in, version_in
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SETTINGS = f"{STAFF}/reglages"
TAB = "settings"
OPT = {"staff": Right.SETTINGS}
PARTS = [f"{SETTINGS}/{part}" for part in settings.PARTS]


@get(SETTINGS, opt=OPT)
async def show_settings(request: AnyRequest) -> Response[Any]:
    return await staff_page(
        request,
        "staff/settings/show_settings.html",
        tab=TAB,
        saved=request.query_params.get("fait", ""),
        legal_ages=LEGAL_AGES,
    )


@get(PARTS, opt=OPT)
async def edit_settings(request: AnyRequest, now: Now) -> Response[Any]:
    return await _edit(request, now)


@post(PARTS, opt=OPT)
async def save_settings(request: AnyRequest, now: Now) -> Response[Any]:
    form, part = typed_in(await request.form()), _part(request)
    try:
        await settings.save(request.user, part, form, version=version_in(form), now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        return await _edit(request, now, form=form, refusal=refusal)
    return see_other(f"{SETTINGS}?fait={part}#{part}")


@get(f"{SETTINGS}/consentement", opt=OPT)
async def edit_consent_age(request: AnyRequest) -> Response[Any]:
    return await _edit_age(request)


@post(f"{SETTINGS}/consentement", opt=OPT)
async def save_consent_age(request: AnyRequest, now: Now) -> Response[Any]:
    form = typed_in(await request.form())
    rule = Rule(form.get("province", ""), form.get("age", ""), form.get("source", ""))
    version, agreed = version_in(form), form.get("touches", "")
    try:
        await consent_age.change(request.user, rule, version=version, agreed=agreed, now=now)
    except (Invalid, ChangedMeanwhile, AccessWouldChange) as refusal:
        return await _edit_age(request, rule=rule, version=version, refusal=refusal)
    return see_other(f"{SETTINGS}?fait=consentement#consentement")


@get(f"{SETTINGS}/historique", opt=OPT)
async def show_setting_changes(request: AnyRequest) -> Response[Any]:
    before = request.query_params.get("avant", "")
    return await staff_page(
        request,
        "staff/settings/show_setting_changes.html",
        tab=TAB,
        changes=await settings.changes(request.user, before=before),
        is_older=bool(before),
    )


async def _edit(
    request: AnyRequest,
    now: datetime,
    *,
    form: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    part, saved = _part(request), await settings.saved()
    shown = settings.typed(part, saved.clinic)
    is_kept = form is not None and not isinstance(refusal, ChangedMeanwhile)
    return await staff_page(
        request,
        "staff/settings/edit_settings.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        part=part,
        saved=shown,
        typed=shown if form is None else dict.fromkeys(shown, "") | form,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        version=version_in(form or {}) if is_kept else saved.version,
        samples=_samples(request, saved.clinic, now) if part == "courriels" else {},
        refusal=refusal,
    )


async def _edit_age(
    request: AnyRequest,
    *,
    rule: Rule | None = None,
    version: int = 0,
    refusal: Refusal | None = None,
) -> Response[Any]:
    saved = await settings.saved()
    is_kept = rule is not None and not isinstance(refusal, ChangedMeanwhile)
    return await staff_page(
        request,
        "staff/settings/edit_consent_age.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        saved=consent_age.typed(saved),
        typed=rule or consent_age.typed(saved),
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        concerned=refusal if isinstance(refusal, AccessWouldChange) else None,
        version=version if is_kept else saved.version,
        legal_ages=LEGAL_AGES,
        refusal=refusal,
    )


def _part(request: AnyRequest) -> str:
    return request.url.path.rpartition("/")[2]


def _samples(request: AnyRequest, clinic: ClinicSettings, now: datetime) -> dict[bool, str]:
    """What the mail about a booked visit says, without the details and with them."""
    portal = portal_of(request)
    facts: dict[str, Any] = {
        "clinic": clinic,
        "visit": sample_mail.visit(clinic, now),
        "first_name": None,
        "confirm_url": "",
        "cancel_url": f"{portal.settings.public_url}/…",
        "portal_url": f"{portal.settings.public_url}/",
        "unsubscribe_url": "",
    }
    name, language = "mail/appointment_booked.txt", language_of(request)
    words = {
        details: portal.renderer.render(name, language, clinic.zone, shows_details=details, **facts)
        for details in (False, True)
    }
    return {details: re.sub(r"\n{3,}", "\n\n", text).strip() for details, text in words.items()}
