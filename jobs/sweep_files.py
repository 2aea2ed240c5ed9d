from datetime import datetime

from domain.messages import attachments
from domain.messages.files import Files


async def sweep_files(store: Files, *, now: datetime) -> int:
    return await attachments.sweep(store, now=now)
