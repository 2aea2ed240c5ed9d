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
from domain.messages.files import Files, store_of
from domain.messages.openings import Openings
from web import (
    appointments,
    assets,
    attachments,
    booking,
    dashboard,
    drafts,
    email_change,
    email_links,
    errors,
    health,
    inbox,
    invitations,
    language,
    lost_password,
    mailbox,
    my_account,
    new_message,
    password_change,
    profile,
    replies,
    second_factor,
    sign_in,
    sign_up,
    terms,
    threads,
    unsubscribing,
)
from web.forms import read_as_utf_8
from web.gate import Gate
from web.portal import Portal
from web.rendering import Renderer, root
from web.restored import drop_sent
from web.security import MOST_PARTS, check_form, identify
from web.staff import routes as staff_routes
from web.static_files import StaticFiles
from web.uploads import Uploads

LARGEST_BODY = 100_000
UNPACKED = [
    "^/static/",
    "^/profils/[^/]+/pieces-jointes/",
    "^/clinique/communications/[^/]+/pieces-jointes/",
]
"""Compressed once and for all, or by itself: and a range is of the bytes as they are."""
HANDLERS = [
    assets.static_file,
    health.health,
    health.csp_report,
    language.choose_language,
    sign_in.sign_in_page,
    sign_in.sign_in_,
    sign_in.sign_out,
    sign_in.stay_signed_in,
    lost_password.ask_for_link,
    lost_password.mail_link,
    lost_password.link_sent,
    lost_password.open_link,
    lost_password.choose_password,
    lost_password.reset_password,
    password_change.type_passwords,
    password_change.change_password,
    password_change.password_changed,
    second_factor.ask_for_code,
    second_factor.enter_code,
    second_factor.overview,
    second_factor.set_up,
    second_factor.switch_on,
    second_factor.ask_for_codes,
    second_factor.renew_codes,
    second_factor.ask_to_switch_off,
    second_factor.switch_off,
    sign_up.sign_up_page,
    sign_up.sign_up_,
    sign_up.mail_sent,
    sign_up.send_again,
    sign_up.arrive_to_activate,
    sign_up.activation,
    sign_up.activate,
    email_change.show_ask,
    email_change.ask,
    email_change.show_sent,
    email_change.resend,
    email_change.open_change,
    email_change.show_confirm,
    email_change.confirm,
    email_change.show_changed,
    invitations.open_invitation,
    invitations.show_accept,
    invitations.accept,
    invitations.show_attach,
    invitations.attach,
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
    appointments.ask_cannot_come,
    appointments.say_cannot_come,
    appointments.calendar_file,
    attachments.show,
    attachments.download,
    profile.show_profile,
    profile.change_phones,
    profile.choose_mails,
    profile.choose_account_language,
    profile.journal,
    profile.report_error,
    profile.send_error,
    profile.ask_to_withdraw,
    profile.withdraw,
    inbox.list_threads,
    inbox.list_documents,
    inbox.list_invoices,
    inbox.list_sent,
    inbox.count_unread,
    threads.show_thread,
    replies.leave_reply,
    replies.send_reply,
    new_message.write,
    new_message.send,
    drafts.save,
    drafts.delete,
    my_account.list_devices,
    my_account.end_devices,
    my_account.ask_for_export,
    my_account.download_export,
    my_account.ask_for_profile,
    my_account.send_request,
    unsubscribing.show_unsubscribe,
    unsubscribing.unsubscribe,
    unsubscribing.resume,
    email_links.show_confirm,
    email_links.act_confirm,
    email_links.show_cancel,
    email_links.act_cancel,
    *staff_routes.HANDLERS,
]
DEMO_HANDLERS = [mailbox.mails, mailbox.mail, mailbox.mail_body]

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    settings: Settings,
    now: Callable[[], datetime] = clock.now,
    *,
    passwords: Passwords | None = None,
    files: Files | None = None,
    lifespan: Sequence[Lifespan] = (),
) -> Gate:
    read_as_utf_8()
    portal = _portal(settings, now, passwords, files)
    app = Litestar(
        route_handlers=[*HANDLERS, *(DEMO_HANDLERS if settings.is_demo else [])],
        state=State({"portal": portal}),
        lifespan=[_database, *lifespan],
        guards=[identify],
        before_request=check_form,
        before_send=[drop_sent],
        dependencies={"now": Provide(now, sync_to_thread=False)},
        after_exception=[errors.record_refusal],
        exception_handlers={
            Refusal: errors.refused,
            HTTPException: errors.failed_request,
            Exception: errors.crashed,
        },
        compression_config=CompressionConfig(
            backend="brotli", brotli_quality=4, minimum_size=500, exclude=UNPACKED
        ),
        request_max_body_size=LARGEST_BODY,
        multipart_form_part_limit=MOST_PARTS,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return Gate(app, settings)


def _portal(
    settings: Settings,
    now: Callable[[], datetime],
    passwords: Passwords | None,
    files: Files | None,
) -> Portal:
    static = StaticFiles(root("static"))
    return Portal(
        settings=settings,
        now=now,
        passwords=passwords or Passwords(),
        links=Links(settings.keys),
        files=files or store_of(settings),
        openings=Openings(),
        uploads=Uploads(),
        static=static,
        renderer=Renderer(static.url, static.size),
    )


@asynccontextmanager
async def _database(app: Litestar) -> AsyncIterator[None]:
    async with db.connected():
        with suppress(NotFound):  # an empty installation: pages say so, the server runs
            app.state.portal.last_clinic = await current_settings()
        yield
