from datetime import datetime

from domain.accounts import losses


async def come_of_age(*, now: datetime) -> int:
    return await losses.record_due(now=now)
