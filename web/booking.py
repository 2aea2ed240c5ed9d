"""The breadcrumb: one URL a step, every choice in it, and two POSTs at its end."""

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.appointments import agenda, booking, offers, rules, slots
from domain.appointments.choices import ANYONE, OFFER_STEPS, STEPS, Choices, Step
from domain.appointments.offers import Option
from domain.appointments.slots import Search
from domain.clinic.calendar import Week
from domain.errors import (
    AlreadyBooked,
    Conflict,
    NotFound,
    ReasonInvalid,
    SlotNotOffered,
    SlotTaken,
)
from domain.people.policy import Grant
from domain.people.viewer import Profile
from web import booking_urls as urls
from web.responses import page, see_other

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
STEP_OF = {path: step for step, path in urls.PATHS.items()}


def _in_both(end: str = "") -> list[str]:
    return [f"/profils/{{patient:uuid}}/{folder}{end}" for folder in urls.KINDS]


OFFER_PATHS = [
    f"/profils/{{patient:uuid}}/{folder}/{urls.PATHS[step]}"
    for folder, kind in urls.KINDS.items()
    for step in STEPS[kind]
    if step in OFFER_STEPS
]


@dataclass(frozen=True, slots=True)
class Crumb:
    step: Step
    url: str | None
    is_chosen: bool
    is_current: bool


@get(_in_both())
async def start(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    """To the first step that is open, without what no longer fits those before it."""
    _, choices = _asked(request, patient, now)
    kept = await offers.still_offered(choices)
    return see_other(urls.step_url(patient, kept, kept.first_missing))


@get(OFFER_PATHS)
async def choose_offer(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    profile, choices = _asked(request, patient, now)
    asked = STEP_OF[request.url.path.rsplit("/", 1)[1]]
    if _is_ahead(choices, asked):
        return see_other(urls.start_url(patient, choices))
    options = await offers.options(asked, choices, profile)
    if not options and asked != STEPS[choices.kind][0]:
        return see_other(urls.start_url(patient, choices))
    links = [(option, _answer_url(patient, choices, asked, option)) for option in options]
    if len(links) == 1:
        return see_other(links[0][1])
    offer = await offers.chosen(choices)
    # What no longer goes together is not named: only one way of many would be.
    named = choices if offer else choices.before(asked)
    return await page(
        request,
        "booking/choose_offer.html",
        profile=profile,
        tab="appointments",
        step=asked,
        choices=named,
        crumbs=_crumbs(patient, choices, asked),
        offer=offer or await offers.chosen(named),
        links=links,
        answer=getattr(choices, asked),
    )


@get("/profils/{patient:uuid}/reservation/moment")
async def choose_moment(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _moment_or_reason(request, patient, "moment", now)


@get("/profils/{patient:uuid}/urgence/motif")
async def give_reason(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _moment_or_reason(request, patient, "reason", now)


@get(_in_both("/creneau"))
async def choose_slot(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    profile, choices = _asked(request, patient, now)
    if _is_ahead(choices, "slot"):
        return see_other(urls.start_url(patient, choices))
    try:
        rules.read_reason(choices.reason or "", is_required=choices.is_urgent)
    except ReasonInvalid:
        return see_other(urls.reason_url(patient, choices))
    return await _slot_page(request, profile, choices, now)


@post(_in_both("/retenue"))
async def hold_slot(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    profile, choices = _asked(request, patient, now)
    slot = urls.slot_id(str((await request.form()).get("creneau", "")))
    try:
        await booking.hold(request.user, patient, choices, slot, now=now)
    except AlreadyBooked as done:
        return see_other(_booked_url(patient, done.appointment))
    except Conflict as refusal:
        return await _refused(request, profile, choices, slot, refusal=refusal, now=now)
    return see_other(urls.card_url(patient, choices, slot))


@get(_in_both("/confirmation"))
async def review(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    profile, choices = _asked(request, patient, now)
    slot = urls.slot_id(request.query_params.get("creneau", ""))
    if _is_ahead(choices, "slot"):
        return see_other(urls.start_url(patient, choices))
    try:
        proposal = await booking.proposal(request.user, patient, choices, slot, now=now)
    except AlreadyBooked as done:
        return see_other(_booked_url(patient, done.appointment))
    except Conflict as refusal:
        return await _slot_page(request, profile, choices, now, refusal=refusal, slot=slot)
    return await page(
        request,
        "booking/review.html",
        profile=profile,
        tab="appointments",
        choices=choices,
        crumbs=_crumbs(patient, choices, "slot"),
        offer=await offers.chosen(choices),
        visit=proposal.visit,
        held_until=proposal.held_until,
        form_key=secrets.token_urlsafe(18),
        back_url=urls.step_url(patient, choices, "slot", semaine=_monday(request, proposal.visit)),
        action=urls.card_url(patient, choices, slot),
    )


@post(_in_both("/confirmation"))
async def book(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    profile, choices = _asked(request, patient, now)
    slot = urls.slot_id(request.query_params.get("creneau", ""))
    key = str((await request.form()).get("cle", ""))
    if not key:
        raise NotFound
    try:
        appointment = await booking.book(
            request.user, patient, choices, slot, form_key=key, now=now
        )
    except ReasonInvalid:
        return see_other(urls.reason_url(patient, choices))
    except AlreadyBooked as done:
        return see_other(_booked_url(patient, done.appointment))
    except Conflict as refusal:
        return await _refused(request, profile, choices, slot, refusal=refusal, now=now)
    return see_other(_booked_url(patient, appointment))


@get("/profils/{patient:uuid}/rendez-vous/{appointment:uuid}/termine")
async def booked(
    request: AnyRequest, patient: FromPath[UUID], appointment: FromPath[UUID], now: Now
) -> Response[Any]:
    visit = await agenda.visit_of(request.user, patient, appointment, now=now)
    profile = request.user.held(patient)
    return await page(
        request, "booking/booked.html", profile=profile, tab="appointments", visit=visit
    )


async def _moment_or_reason(
    request: AnyRequest, patient: UUID, step: Step, now: datetime
) -> Response[Any]:
    """A form that answers into the URL: checked here, then on to the slots."""
    profile, choices = _asked(request, patient, now)
    if _is_ahead(choices, step):
        return see_other(urls.start_url(patient, choices))
    errors: dict[str, str] = {}
    if "continuer" in request.query_params:
        choices, errors = _answered(request, choices, step, now)
        if not errors:
            return see_other(urls.step_url(patient, choices, "slot"))
    template = "booking/choose_moment.html" if step == "moment" else "booking/give_reason.html"
    return await page(
        request,
        template,
        status_code=422 if errors else 200,
        profile=profile,
        tab="appointments",
        choices=choices,
        crumbs=_crumbs(patient, choices, step),
        offer=await offers.chosen(choices),
        kept=urls.query_of(replace(choices.before(step), reason=None)),
        back_url=urls.step_url(patient, choices, "visit_type"),
        asked=request.query_params,
        problems=errors,
        today=request.user.clinic.today(now),
        last_day=request.user.clinic.last_day(now),
        limit=rules.LONGEST_REASON,
    )


def _answered(
    request: AnyRequest, choices: Choices, step: Step, now: datetime
) -> tuple[Choices, dict[str, str]]:
    errors: dict[str, str] = {}
    query, clinic = request.query_params, request.user.clinic
    if step == "moment":
        from_day = urls.day(query.get("date", ""))
        wants_day = query.get("moment") == "a-partir-du"
        if wants_day and from_day is None:
            errors["date"] = "unreadable" if query.get("date") else "missing"
        elif wants_day and from_day and not slots.is_published(from_day, clinic, now):
            errors["date"] = "not_published"
        choices = replace(choices, moment=from_day if wants_day else "soonest")
    try:
        reason = rules.read_reason(query.get("motif", ""), is_required=choices.is_urgent)
        choices = replace(choices, reason=reason or None)
    except ReasonInvalid as refusal:
        errors["motif"] = refusal.problem
    return choices, errors


async def _refused(
    request: AnyRequest,
    profile: Profile,
    choices: Choices,
    slot: UUID,
    *,
    refusal: Conflict,
    now: datetime,
) -> Response[Any]:
    """The slots again, with what stands against this one; the attempt is in the journal."""
    await booking.record_refusal(request.user, profile.id, slot, refusal, now=now)
    return await _slot_page(request, profile, choices, now, refusal=refusal, slot=slot)


async def _slot_page(
    request: AnyRequest,
    profile: Profile,
    choices: Choices,
    now: datetime,
    *,
    refusal: Conflict | None = None,
    slot: UUID | None = None,
) -> Response[Any]:
    search = Search(request.user, profile, choices, now)
    offer = await offers.chosen(choices) if choices.has_offer else None
    if offer is None:
        return see_other(urls.start_url(profile.id, choices))
    wanted = await slots.start_of(slot) if slot else None
    asked = urls.day(request.query_params.get("semaine", ""))
    asked = wanted.astimezone(request.user.clinic.zone).date() if wanted else asked
    opened = urls.opened_half(request.query_params.get("entier", ""))
    week = await slots.open_week(search, asked, opened=opened)
    # Against a rule, such as two visits at once, the times nearby help nobody.
    is_gone = isinstance(refusal, SlotTaken | SlotNotOffered)
    return await page(
        request,
        "booking/choose_slot.html",
        status_code=409 if refusal else 200,
        current_url=urls.step_url(profile.id, choices, "slot") if refusal else None,
        profile=profile,
        tab="appointments",
        choices=choices,
        crumbs=_crumbs(profile.id, choices, "slot"),
        offer=offer,
        week=week,
        refusal=refusal,
        nearest=await slots.nearest(search, wanted) if wanted and is_gone else [],
        hold_url=urls.hold_url(profile.id, choices),
        week_url=lambda monday, opened=None: urls.week_url(profile.id, choices, monday, opened),
    )


def _booked_url(patient: UUID, appointment: UUID) -> str:
    return f"/profils/{patient}/rendez-vous/{appointment}/termine"


def _asked(request: AnyRequest, patient: UUID, now: datetime) -> tuple[Profile, Choices]:
    profile = request.user.acting_for(patient, Grant.BOOK, now)
    choices = urls.read_choices(request)
    booking.check_section(choices, request.user.clinic)
    return profile, choices


def _is_ahead(choices: Choices, step: Step) -> bool:
    """Whether an earlier step is still unanswered."""
    steps = STEPS[choices.kind]
    return any(not choices.has(earlier) for earlier in steps[: steps.index(step)])


def _answer_url(patient: UUID, choices: Choices, step: Step, option: Option) -> str:
    answer: dict[str, Any] = {step: option.id or ANYONE}
    answered = replace(choices, **answer)
    return urls.next_url(patient, answered, step)


def _crumbs(patient: UUID, choices: Choices, current: Step) -> list[Crumb]:
    crumbs = []
    for step in STEPS[choices.kind]:
        is_open = not _is_ahead(choices, step)
        url = urls.step_url(patient, choices, step) if is_open and step != current else None
        crumbs.append(Crumb(step, url, choices.has(step), step == current))
    return crumbs


def _monday(request: AnyRequest, visit: agenda.Visit) -> date:
    zone = request.user.clinic.zone
    return Week.of(visit.starts_at.astimezone(zone).date(), zone).monday
