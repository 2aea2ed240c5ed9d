from datetime import datetime

from domain import retention


async def forget_closed_accounts(*, now: datetime) -> int:
    return await retention.forget_closed_accounts(now=now)
