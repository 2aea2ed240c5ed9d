from datetime import datetime

from domain.clinic import publishing


async def publish_slots(*, now: datetime) -> int:
    return await publishing.publish(now=now)
