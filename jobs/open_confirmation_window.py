from datetime import datetime

from domain.appointments import window


async def open_confirmation_window(*, now: datetime) -> int:
    opened = 0
    while batch := await window.open_due(now=now):
        opened += batch
    return opened
