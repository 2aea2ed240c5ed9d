"""« Jumelage »: which chart is whose who signed up alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import matching, search
from domain.errors import (
    AddressOfProxy,
    ChangedMeanwhile,
    ChartTaken,
    Invalid,
    NotFound,
    PossibleDuplicates,
    Refusal,
    TooYoung,
)
from domain.staff.roles import Right
from domain.texts import read_id
from web.errors import status_of
from web.responses import see_other
from web.security import STAFF
from web.staff.pages import staff_page
from web.staff.patients import PATIENTS, TAB

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
MATCHING = f"{STAFF}/jumelage"
ONE = f"{MATCHING}/{{newcomer:uuid}}"
REFUSALS = (
    Invalid,
    AddressOfProxy,
    ChartTaken,
    ChangedMeanwhile,
    PossibleDuplicates,
    TooYoung,
)


@dataclass(frozen=True, slots=True)
class Pressed:
    """The button that was refused: which chart's, what else was on the page, and its box."""

    patient: UUID
    beside: UUID | None
    is_verified: bool


@get(MATCHING, opt={"staff": Right.PATIENTS})
async def list_newcomers(request: AnyRequest, now: Now) -> Response[Any]:
    after = read_id(request.query_params.get("apres", ""))
    waiting, following = await matching.waiting(request.user, after=after)
    return await staff_page(
        request,
        "staff/matching/list_newcomers.html",
        tab=TAB,
        waiting=waiting,
        next=following,
        is_first_page=after is None,
        declined=[] if after else await matching.declined(request.user, now=now),
        done=request.query_params.get("fait", ""),
    )


@get(ONE, opt={"staff": Right.PATIENTS})
async def compare_charts(request: AnyRequest, newcomer: FromPath[UUID], now: Now) -> Response[Any]:
    return await _compare(request, newcomer, now)


@post(ONE, opt={"staff": Right.PATIENTS})
async def match_chart(request: AnyRequest, newcomer: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    patient, beside = (read_id(str(form.get(name, ""))) for name in ("patient", "dossier"))
    if patient is None:
        raise NotFound
    verified, again = form.get("identite") == "oui", form.get("malgre") == "oui"
    try:
        await matching.match(
            request.user,
            newcomer,
            patient,
            beside=beside,
            is_verified=verified,
            in_spite_of_proxy=again,
            now=now,
        )
    except REFUSALS as refusal:
        pressed = Pressed(patient, beside, verified)
        return await _compare(request, newcomer, now, refusal, pressed)
    return see_other(f"{PATIENTS}/{patient}?fait=jumelage")


@post(f"{ONE}/creation", opt={"staff": Right.PATIENTS})
async def create_chart(request: AnyRequest, newcomer: FromPath[UUID], now: Now) -> Response[Any]:
    again = (await request.form()).get("malgre") == "oui"
    try:
        made = await matching.create(request.user, newcomer, in_spite_of_similar=again, now=now)
    except REFUSALS as refusal:
        return await _compare(request, newcomer, now, refusal)
    return see_other(f"{PATIENTS}/{made}?fait=jumelage")


@get(f"{ONE}/refus", opt={"staff": Right.PATIENTS})
async def ask_to_decline(request: AnyRequest, newcomer: FromPath[UUID]) -> Response[Any]:
    who = await matching.newcomer(request.user, newcomer)
    return await staff_page(request, "staff/matching/ask_to_decline.html", tab=TAB, who=who)


@post(f"{ONE}/refus", opt={"staff": Right.PATIENTS})
async def decline_newcomer(
    request: AnyRequest, newcomer: FromPath[UUID], now: Now
) -> Response[Any]:
    try:
        await matching.decline(request.user, newcomer, now=now)
    except REFUSALS as refusal:
        return await _compare(request, newcomer, now, refusal)
    return see_other(f"{MATCHING}?fait=refus")


async def _compare(
    request: AnyRequest,
    account: UUID,
    now: datetime,
    refusal: Refusal | None = None,
    pressed: Pressed | None = None,
) -> Response[Any]:
    if (own := await matching.own_chart(account)) is not None:
        return await _taken(request, own)
    who = await matching.newcomer(request.user, account)
    text = request.query_params.get("q", "")
    found = await search.search(request.user, text, now=now)
    asked = read_id(request.query_params.get("dossier", ""))
    looked_at = pressed.beside if pressed else asked
    one = pressed.patient if pressed else None
    charts = await matching.candidates(who, also=looked_at, pressed=one)
    return await staff_page(
        request,
        "staff/matching/compare_charts.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        about=_shown(charts, found.rows),
        reading="matching",
        current_url=f"{MATCHING}/{account}",
        refusal=refusal,
        pressed=one,
        is_verified=pressed is not None and pressed.is_verified,
        who=who,
        charts=charts,
        looked_at=looked_at,
        found=found,
    )


async def _taken(request: AnyRequest, chart: UUID) -> Response[Any]:
    """A colleague was faster."""
    return await staff_page(
        request, "staff/matching/taken.html", tab=TAB, status_code=409, chart=chart
    )


def _shown(charts: Sequence[matching.Candidate], rows: Sequence[search.Row]) -> list[UUID]:
    return [*(each.patient for each in charts), *(row.id for row in rows)]
