"""A page of the clinic's side: what it shows of patients is in the journal."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response

from domain import audit
from domain.errors import Refusal
from web.portal import portal_of
from web.responses import member_of, render


async def staff_page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    tab: str = "",
    status_code: int = 200,
    about: Sequence[UUID] = (),
    reading: str = "",
    current_url: str | None = None,
    refusal: Refusal | None = None,
    **context: Any,
) -> Response[bytes]:
    """`about`: each patient of whom it shows something; `reading`: what, in the journal's words."""
    member = member_of(request)
    if member is not None and about:
        now = portal_of(request).now()
        patients = list(dict.fromkeys(about))
        await audit.record_each(member.actor, f"read.staff.{reading}", patients, at=now)
    return render(
        request,
        template,
        status_code=status_code,
        tab=tab,
        current_url=current_url,
        refusal=refusal,
        **context,
    )
