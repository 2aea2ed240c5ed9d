"""Who may sign in to the demonstration's clinic, and the code of this very half minute.

A real portal shows none of it: neither the names nor a code, to anyone.
"""

from typing import Any

from litestar import Request

from domain.accounts.secret_box import SecretBox
from web.portal import portal_of


async def demo_codes(request: Request[Any, Any, Any]) -> list[Any]:
    portal = portal_of(request)
    if not portal.settings.is_demo:
        return []
    from domain.demo import staff  # nothing of it is loaded elsewhere

    return list(await staff.shown(SecretBox(portal.settings.keys), now=portal.now()))
