"""The journal as staff read it, of the clinic and of one patient, and as a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import journal, people
from domain.desk.journal import Line, Page, Search
from domain.desk.sheet import sheet
from domain.errors import Invalid, Refusal
from domain.staff.roles import Right
from domain.texts import read_number
from web.errors import status_of
from web.portal import portal_of
from web.responses import language_of
from web.security import STAFF
from web.staff.editing import csv_file, cursor
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
JOURNAL = f"{STAFF}/journal"
PART = "partie"
PLACES = ("avant", PART)
OPT = {"staff": Right.JOURNAL}


@get(JOURNAL, opt=OPT)
async def search_journal(request: AnyRequest) -> Response[Any]:
    asked = _asked(request)
    before = cursor(request.query_params.get("avant", ""))
    try:
        found = await journal.search(request.user, asked, before=before)
    except Invalid as refusal:
        return await _show(request, asked, refusal=refusal)
    return await _show(request, asked, found=found)


@get(f"{JOURNAL}/export", opt=OPT)
async def export_journal(request: AnyRequest, now: Now) -> Response[Any]:
    asked = _asked(request)
    part = read_number(request.query_params.get(PART, ""))
    try:
        lines = await journal.export(request.user, asked, part=part, now=now)
    except Invalid as refusal:
        return await _show(request, asked, refusal=refusal)
    name = f"journal-{part}.csv" if part else "journal.csv"
    return csv_file(name, _file(request, lines))


@get(f"{STAFF}/patients/{{patient:uuid}}/journal", opt={"staff": Right.PATIENTS})
async def show_patient_journal(
    request: AnyRequest, patient: FromPath[UUID], now: Now
) -> Response[Any]:
    person = await people.head(patient)
    before = cursor(request.query_params.get("avant", ""))
    return await staff_page(
        request,
        "staff/journal/show_patient_journal.html",
        tab="patients",
        about=[patient],
        reading="patient_journal",
        person=person,
        today=request.user.clinic.today(now),
        found=await journal.of_patient(request.user, patient, before=before),
        is_older=before is not None,
    )


async def _show(
    request: AnyRequest,
    asked: Search,
    *,
    found: Page | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    problems = refusal.problems if isinstance(refusal, Invalid) else {}
    is_too_many = "too_many" in problems.values()
    return await staff_page(
        request,
        "staff/journal/search_journal.html",
        tab="journal",
        status_code=status_of(refusal) if refusal else 200,
        about=found.patients if found else [],
        reading="journal",
        asked=asked,
        found=found,
        kept={name: text for name, text in request.query_params.items() if name not in PLACES},
        groups=list(journal.GROUPS),
        colleagues=await journal.colleagues(request.user),
        is_older="avant" in request.query_params,
        parts=await journal.parts(request.user, asked) if is_too_many else 0,
        problems=problems,
        refusal=refusal,
    )


def _asked(request: AnyRequest) -> Search:
    typed = request.query_params
    return Search(
        patient=typed.get("patient", ""),
        member=typed.get("membre", ""),
        group=typed.get("genre", ""),
        first=typed.get("du", ""),
        last=typed.get("au", ""),
        outcome=typed.get("issue", ""),
        without_visit="sans" in typed,
        with_own_reading="journal" in typed,
    )


def _file(request: AnyRequest, lines: list[Line]) -> bytes:
    """The words of the page, line by line: a template gives them, once for each that is met."""
    portal, language = portal_of(request), language_of(request)
    words = portal.renderer.render(
        "staff/journal/export_journal.txt", language, request.user.clinic.zone, lines=lines
    )
    header, *rows = [row.split("\t") for row in words.strip("\n").split("\n")]
    exact = [(line.at.isoformat(timespec="milliseconds"), line) for line in lines]
    return sheet(
        header,
        (
            (
                at,
                who,
                line.name,
                line.patient_name,
                done,
                line.action,
                line.outcome,
                line.request_id,
            )
            for (at, line), (who, done) in zip(exact, rows, strict=True)
        ),
    )
