import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from litestar import Request

from domain.accounts.passwords import Passwords
from domain.clinic.settings import ClinicSettings
from domain.config import Settings
from domain.links import Links
from domain.messages.files import Files
from domain.messages.openings import Openings
from web.rendering import Renderer
from web.static_files import StaticFiles
from web.uploads import Uploads

NO_CLINIC = ClinicSettings(
    name="Portail patient",
    phone="",
    email="",
    address="",
    province="QC",
    time_zone="America/Toronto",
    consent_age=None,
    confirm_window_hours=72,
    cancel_limit_hours=48,
    hold_minutes=5,
    horizon_weeks=12,
    notice_minutes=60,
    most_upcoming=5,
    idle_minutes=20,
    has_booking=False,
    has_urgent_booking=False,
    mail_shows_details=False,
    mail_sender_name="",
)


QUIET = 60.0


class Troubles:
    """What the log was told within the last minute: every page would say it again."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def is_news(self, what: str) -> bool:
        at = time.monotonic()
        if at - self._told.get(what, -QUIET) < QUIET:
            return False
        self._told[what] = at
        return True


@dataclass(slots=True)
class Portal:
    """What the composition root made, for the handlers of one process."""

    settings: Settings
    now: Callable[[], datetime]
    passwords: Passwords
    links: Links
    files: Files
    """The content of attachments."""
    openings: Openings
    uploads: Uploads
    static: StaticFiles
    renderer: Renderer
    troubles: Troubles = field(default_factory=Troubles)
    last_clinic: ClinicSettings = NO_CLINIC
    """The clinic as last read: an error page has its phone even when the database is away."""


def portal_of(request: Request[Any, Any, Any]) -> Portal:
    portal: Portal = request.app.state.portal
    return portal
