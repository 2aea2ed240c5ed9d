"""Who is asking on the clinic's side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.audit import Actor
from domain.clinic.settings import ClinicSettings
from domain.errors import NotAllowed, NotFound
from domain.people.viewer import SessionEnds
from domain.staff import roles
from domain.staff.roles import Right, Role


@dataclass(frozen=True, slots=True)
class Member:
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: Role
    practitioner: UUID | None
    language: str
    password_changed_at: datetime
    clinic: ClinicSettings
    actor: Actor
    session: SessionEnds | None = None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def signature(self) -> str:
        """As rows keep who did something (`…_by`): the name may change, the id does not."""
        return f"{self.full_name[:80]} ({self.id})"

    def may(self, right: Right) -> bool:
        return roles.may(self.role, right)

    def check(self, right: Right) -> None:
        if not self.may(right):
            raise NotAllowed

    @property
    def only(self) -> UUID | None:
        """The one practitioner whose day, calendar and messages they see; None: all of them."""
        return (self.practitioner or NOBODY) if self.role is Role.PRACTITIONER else None

    @property
    def own(self) -> list[UUID] | None:
        """The same, for a question about many."""
        return None if self.only is None else [self.only]

    def check_practitioner(self, practitioner: UUID | None) -> None:
        """What is another practitioner's does not exist for a practitioner."""
        if self.only is not None and practitioner != self.only:
            raise NotFound


def signer(signature: str) -> str:
    """The name in what a row keeps of its author."""
    return signature.rpartition(" (")[0] if signature.endswith(")") else signature


NOBODY = UUID(int=0)
"""Of a practitioner's account that no calendar belongs to: it sees none."""


def from_row(row: Mapping[str, Any], session: SessionEnds | None, request_id: str) -> Member:
    return Member(
        id=row["member_id"],
        email=row["member_email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        role=Role(row["role"]),
        practitioner=row["practitioner"],
        language=row["language"],
        password_changed_at=row["password_changed_at"],
        clinic=ClinicSettings.from_row(row),
        actor=Actor("staff", row["member_id"], request_id),
        session=session,
    )
