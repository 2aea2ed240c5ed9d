"""One IP that tries many accounts: said once an hour to who runs the portal."""

import hashlib
import logging
from datetime import datetime
from uuid import UUID

from domain import db
from domain.accounts import throttles
from domain.accounts.throttles import ADDRESSES_PER_IP, ALERTS_PER_IP
from domain.errors import TooMany

log = logging.getLogger("portal.sign_in")


async def count(ip: str, address: str, *, now: datetime) -> None:
    """That signing in with this address has failed from this IP: one row, however often."""
    key = ADDRESSES_PER_IP.key(ip)
    await db.fetch(
        "INSERT INTO attempt (id, key, tried_at) VALUES ({}, {}, {})"
        " ON CONFLICT (id) DO UPDATE SET tried_at = excluded.tried_at",
        UUID(bytes=hashlib.sha256(f"{key}|{address}".encode()).digest()[:16]),
        key,
        now,
    )
    if await throttles.number(ADDRESSES_PER_IP, ip, now=now) > ADDRESSES_PER_IP.most:
        await _tell(ip, now)


async def _tell(ip: str, now: datetime) -> None:
    try:
        await throttles.take(ALERTS_PER_IP, ip, now=now)
    except TooMany:
        return  # it has been said
    log.error("%s fails to sign in with more than %d addresses", ip, ADDRESSES_PER_IP.most)
