"""The composition root: settings and a clock in, an ASGI application out."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from domain import clock, db
from domain.accounts.passwords import Passwords
from domain.clinic.clinic import current_settings
from domain.config import Settings
from domain.errors import NotFound, Refusal
from domain.links import Links
from web import (
    appointments,
    assets,
    booking,
    dashboard,
    email_links,
    errors,
    health,
    language,
    mailbox,
    sign_in,
    terms,
)
from web.gate import Gate
from web.portal import Portal
from web.rendering import Renderer, root
from web.security import check_form, identify
from web.static_files import StaticFiles

LARGEST_BODY = 100_000
HANDLERS = [
    assets.static_file,
    health.health,
    health.csp_report,
    language.choose_language,
    sign_in.sign_in_page,
    sign_in.sign_in_,
    sign_in.sign_out,
    terms.read_terms,
    terms.accept_terms,
    dashboard.dashboard,
    booking.start,
    booking.choose_offer,
    booking.choose_moment,
    booking.give_reason,
    booking.choose_slot,
    booking.hold_slot,
    booking.review,
    booking.book,
    booking.booked,
    appointments.visits,
    appointments.confirm,
    appointments.ask_to_cancel,
    appointments.cancel,
    appointments.calendar_file,
    email_links.show_confirm,
    email_links.act_confirm,
    email_links.show_cancel,
    email_links.act_cancel,
]
DEMO_HANDLERS = [mailbox.mails, mailbox.mail, mailbox.mail_body]

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    settings: Settings,
    now: Callable[[], datetime] = clock.now,
    *,
    passwords: Passwords | None = None,
    lifespan: Sequence[Lifespan] = (),
) -> Gate:
    static = StaticFiles(root("static"))
    portal = Portal(
        settings=settings,
        now=now,
        passwords=passwords or Passwords(),
        links=Links(settings.keys),
        static=static,
        renderer=Renderer(static.url),
    )
    app = Litestar(
        route_handlers=[*HANDLERS, *(DEMO_HANDLERS if settings.is_demo else [])],
        state=State({"portal": portal}),
        lifespan=[_database, *lifespan],
        guards=[identify],
        before_request=check_form,
        dependencies={"now": Provide(now, sync_to_thread=False)},
        after_exception=[errors.record_refusal],
        exception_handlers={
            Refusal: errors.refused,
            HTTPException: errors.failed_request,
            Exception: errors.crashed,
        },
        compression_config=CompressionConfig(
            backend="brotli", brotli_quality=4, minimum_size=500, exclude="^/static/"
        ),
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return Gate(app, settings)


@asynccontextmanager
async def _database(app: Litestar) -> AsyncIterator[None]:
    async with db.connected():
        with suppress(NotFound):  # an empty installation: pages say so, the server runs
            app.state.portal.last_clinic = await current_settings()
        yield
