from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from domain.desk import coming_of_age
from domain.staff.roles import Right
from domain.texts import read_id
from web.security import STAFF
from web.staff.pages import staff_page

Now = NamedDependency[datetime]


@get(f"{STAFF}/majorite", opt={"staff": Right.PATIENTS})
async def list_coming_of_age(request: Request[Any, Any, Any], now: Now) -> Response[Any]:
    after = read_id(request.query_params.get("apres", ""))
    soon = await coming_of_age.soon(request.user, after=after, now=now)
    lately = await coming_of_age.lately(request.user, now=now)
    return await staff_page(
        request,
        "staff/coming_of_age/list_coming_of_age.html",
        tab="patients",
        about=[each.patient for each in (*soon.young, *lately.young)],
        reading="coming_of_age",
        soon=soon,
        lately=lately,
    )
