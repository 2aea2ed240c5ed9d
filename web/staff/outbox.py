from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import outbox
from domain.staff.roles import Right
from domain.texts import read_id
from web.responses import leave_to
from web.security import STAFF
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FOLDER = f"{STAFF}/courriels"
OUTBOX = {"staff": Right.OUTBOX}


@get(FOLDER, opt=OUTBOX)
async def show_outbox(request: AnyRequest, now: Now) -> Response[Any]:
    after = read_id(request.query_params.get("apres", ""))
    dead, silent = await outbox.dead(after=after), await outbox.silent_addresses()
    about = [*(mail.patient for mail in dead.rows), *(each.patient for each in silent)]
    return await staff_page(
        request,
        "staff/outbox/show_outbox.html",
        tab="outbox",
        about=[patient for patient in about if patient],
        reading="outbox",
        queue=await outbox.queue(now=now),
        dead=dead,
        after=after,
        silent=silent,
        done=request.query_params.get("fait", ""),
    )


@post(f"{FOLDER}/{{mail:uuid}}/renvoi", opt=OUTBOX)
async def resend_mail(request: AnyRequest, mail: FromPath[UUID], now: Now) -> Response[Any]:
    await outbox.resend(request.user, mail, now=now)
    return leave_to(request, f"{FOLDER}?fait=renvoye")


@post(f"{FOLDER}/{{mail:uuid}}/traite", opt=OUTBOX)
async def handle_mail(request: AnyRequest, mail: FromPath[UUID], now: Now) -> Response[Any]:
    await outbox.handle(request.user, mail, now=now)
    return leave_to(request, f"{FOLDER}?fait=traite")
