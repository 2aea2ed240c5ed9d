from typing import Any

from litestar import Request, Response, get

from domain.staff.roles import Right
from web.security import STAFF
from web.staff.pages import staff_page


@get(STAFF, opt={"staff": Right.DAY})
async def show_day(request: Request[Any, Any, Any]) -> Response[Any]:
    return await staff_page(request, "staff/today/show_day.html", tab="today")
