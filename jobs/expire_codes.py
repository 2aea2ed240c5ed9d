from datetime import datetime

from domain.accounts import email_change, invitations


async def expire_codes(*, now: datetime) -> int:
    """Marks what its own rule already refuses, so that staff see it, and addresses are free."""
    return await invitations.expire(now=now) + await email_change.expire(now=now)
