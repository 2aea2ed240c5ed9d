"""What is mailed to a member about their own account: it goes to their address, for they have no
account of the patients' side."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.mail import outbox

Alert = Literal["password", "codes", "email", "password_changed", "device"]


async def alert(
    member: UUID, address: str, what: Alert, *, once_key: str | None = None, now: datetime
) -> None:
    await outbox.post(
        "staff_alert", None, address=address, member=member, what=what, once_key=once_key, now=now
    )


async def alert_once_a_day(member: UUID, address: str, what: Alert, *, now: datetime) -> None:
    key = f"staff-alert:{what}:{member}:{now:%Y%m%d}"
    await alert(member, address, what, once_key=key, now=now)
