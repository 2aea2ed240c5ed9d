"""A patient is invited: the code is on the page that answers, and on no other."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from domain.desk import inviting, people, record
from domain.desk.inviting import Given, Typed
from domain.desk.people import PatientHead
from domain.errors import AddressOfProxy, ChartTaken, FormReused, Invalid, Refusal, TooYoung
from domain.staff.roles import Right
from web.errors import status_of
from web.portal import portal_of
from web.responses import see_other
from web.staff.pages import staff_page
from web.staff.patients import PATIENTS, TAB

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
INVITATION = f"{PATIENTS}/{{patient:uuid}}/invitation"


@get(INVITATION, opt={"staff": Right.PATIENTS})
async def prepare_invitation(
    request: AnyRequest, patient: FromPath[UUID], now: Now
) -> Response[Any]:
    return await _form(request, patient, now)


@post(INVITATION, opt={"staff": Right.PATIENTS})
async def send_invitation(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    portal, form = portal_of(request), await request.form()
    typed = Typed(*(str(form.get(name, "")) for name in ("courriel", "langue")))
    try:
        given = await inviting.send(
            request.user,
            patient,
            typed,
            key=str(form.get("cle", "")),
            in_spite_of_proxy=form.get("malgre") == "oui",
            links=portal.links,
            passwords=portal.passwords,
            now=now,
        )
    except (Invalid, AddressOfProxy, ChartTaken, TooYoung, FormReused) as refusal:
        return await _form(request, patient, now, typed, refusal)
    return await _sent(request, patient, given, now)


@post(f"{INVITATION}/annulation", opt={"staff": Right.PATIENTS})
async def cancel_invitation(
    request: AnyRequest, patient: FromPath[UUID], now: Now
) -> Response[Any]:
    await inviting.cancel(request.user, patient, now=now)
    return see_other(f"{PATIENTS}/{patient}?fait=invitation-annulee")


async def _form(
    request: AnyRequest,
    patient: UUID,
    now: datetime,
    typed: Typed | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    about = await record.record(request.user, patient, now=now)
    before = about.account.invited
    return await staff_page(
        request,
        "staff/patient_invitations/prepare_invitation.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        about=[patient],
        reading="record",
        current_url=f"{PATIENTS}/{patient}/invitation",
        refusal=refusal,
        record=about,
        today=request.user.clinic.today(now),
        typed=typed or Typed(before.email if before else "", about.account.language),
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        key=secrets.token_urlsafe(16),
    )


async def _sent(request: AnyRequest, patient: UUID, given: Given, now: datetime) -> Response[Any]:
    person = await people.head(patient)
    return await staff_page(
        request,
        "staff/patient_invitations/send_invitation.html",
        tab=TAB,
        about=[patient],
        reading="record",
        current_url=f"{PATIENTS}/{patient}/invitation",
        person=person,
        today=request.user.clinic.today(now),
        given=given,
        slip=_slip(request, person, given),
    )


def _slip(request: AnyRequest, person: PatientHead, given: Given) -> Markup:
    """In the language of who takes it home, whatever the desk's is."""
    portal, clinic = portal_of(request), request.user.clinic
    slip = portal.renderer.render(
        "staff/patient_invitations/_slip.html",
        given.language,
        clinic.zone,
        clinic=clinic,
        person=person,
        given=given,
        address=portal.settings.public_url.partition("://")[2],
    )
    return Markup(slip)  # noqa: S704 - a template of ours, which escapes
