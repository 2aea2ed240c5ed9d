"""What runs by itself, and how often.

Each run begins at what is due by now, so that one that comes late, twice or not at all for a
while does no harm. All of them run once at the start.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from domain.messages.files import store_of
from jobs.come_of_age import come_of_age
from jobs.deliver_mail import deliver_mail
from jobs.expire_codes import expire_codes
from jobs.forget_closed_accounts import forget_closed_accounts
from jobs.office import PostOffice
from jobs.open_confirmation_window import open_confirmation_window
from jobs.publish_slots import publish_slots
from jobs.purge import purge
from jobs.release_holds import release_holds
from jobs.seal_audit import seal_audit
from jobs.sweep_files import sweep_files


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    run: Callable[..., Awaitable[int | None]]
    trigger: BaseTrigger


def schedule(office: PostOffice) -> list[Task]:
    every = partial(IntervalTrigger, timezone=UTC)
    return [
        Task("deliver_mail", partial(deliver_mail, office), every(seconds=2)),
        Task("open_confirmation_window", open_confirmation_window, every(minutes=1)),
        Task("release_holds", release_holds, every(minutes=1)),
        Task("expire_codes", expire_codes, every(minutes=5)),
        Task("come_of_age", come_of_age, every(minutes=15)),
        Task("seal_audit", seal_audit, every(minutes=10)),
        Task("publish_slots", publish_slots, every(hours=1)),
        Task("purge", purge, every(days=1)),
        Task("forget_closed_accounts", forget_closed_accounts, every(days=1)),
        Task("sweep_files", partial(sweep_files, store_of(office.settings)), every(days=1)),
    ]
