from datetime import datetime

from domain.appointments import booking


async def release_holds(*, now: datetime) -> None:
    await booking.release_expired(now=now)
