from datetime import datetime

from domain import audit


async def seal_audit(*, now: datetime) -> int:
    sealed = 0
    while lines := await audit.seal(now=now):
        sealed += lines
    return sealed
