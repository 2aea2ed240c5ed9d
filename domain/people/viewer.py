from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain import db
from domain.audit import Actor
from domain.clinic.settings import CLINIC_COLUMNS, ClinicSettings
from domain.errors import NotAllowed, NotFound, ProfileLost
from domain.people import policy
from domain.people.access_blocks import BLOCKED
from domain.people.policy import Grant


@dataclass(frozen=True, slots=True)
class ViewerAccount:
    id: UUID
    email: str
    language: str
    password_changed_at: datetime
    second_factor_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """When the session ends if it is used no more, and when it ends in any case."""

    idle_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A patient this account holds, and what it may do for them."""

    id: UUID
    first_name: str
    last_name: str
    birth_date: date
    is_own: bool
    grants: frozenset[Grant]
    has_consent: bool
    consent_until: datetime | None
    primary_practitioner: UUID | None
    relationship: str
    grant: UUID
    granted_at: datetime

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def may_book(self) -> bool:
        return Grant.BOOK in self.grants


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking: an account at a clinic, with the profiles it holds."""

    account: ViewerAccount
    clinic: ClinicSettings
    profiles: tuple[Profile, ...]
    actor: Actor
    pending_terms: UUID | None = None
    session: SessionEnds | None = None

    def held(self, patient: UUID) -> Profile:
        for profile in self.profiles:
            if profile.id == patient:
                return profile
        raise NotFound

    def may(self, grant: Grant, patient: UUID, now: datetime) -> bool:
        return any(
            profile.id == patient and policy.may(grant, profile, self.clinic, now)
            for profile in self.profiles
        )

    def acting_for(self, patient: UUID, grant: Grant, now: datetime) -> Profile:
        """The profile, if this viewer may act for it; the only way in from a URL."""
        profile = self.held(patient)
        if policy.is_lost(profile, self.clinic, now):
            raise ProfileLost
        if not policy.may(grant, profile, self.clinic, now):
            raise NotAllowed
        return profile

    def opening(self, patient: UUID, now: datetime) -> Profile:
        """The profile, if its « Profil » may be opened: the other way in from a URL."""
        profile = self.held(patient)
        if not self.may_open(profile, now):
            raise ProfileLost
        return profile

    def reading(self, patient: UUID, now: datetime) -> Profile:
        """The profile, if anything that the clinic wrote about it may be read."""
        profile = self.held(patient)
        if policy.is_lost(profile, self.clinic, now):
            raise ProfileLost
        if not profile.grants & policy.READING:
            raise NotAllowed
        return profile

    def own(self, patient: UUID, now: datetime) -> Profile:
        profile = self.opening(patient, now)
        if not profile.is_own:
            raise NotAllowed
        return profile

    def may_open(self, profile: Profile, now: datetime) -> bool:
        return policy.may_open(profile, self.clinic, now)

    def may_read_journal(self, profile: Profile, now: datetime) -> bool:
        return policy.may_read_journal(profile, self.clinic, now)

    def may_end_access(self, profile: Profile, now: datetime) -> bool:
        return policy.may_end_access(profile, self.clinic, now)

    def is_lost(self, profile: Profile, now: datetime) -> bool:
        return policy.is_lost(profile, self.clinic, now)

    def with_grant(self, grant: Grant, now: datetime) -> list[Profile]:
        return [p for p in self.profiles if policy.may(grant, p, self.clinic, now)]

    def first_profile(self, now: datetime) -> Profile | None:
        """Whose name stands at the left of the dashboard."""
        open_ones = [p for p in self.profiles if not self.is_lost(p, now)]
        return next((p for p in open_ones if p.is_own), open_ones[0] if open_ones else None)


# One query for everything a request must know of its sender: account, clinic, terms, profiles.
_VIEWER = f"""
    SELECT a.id AS account_id, a.email AS account_email, a.language AS account_language,
           a.password_changed_at, a.totp_since, {", ".join(f"c.{name}" for name in CLINIC_COLUMNS)},
           t.id AS terms_id, ta.id AS acceptance_id,
           p.id AS patient_id, p.first_name, p.last_name, p.birth_date, p.primary_practitioner,
           g.id AS grant_id, g.granted_at, g.relationship, g.may_book, g.may_read_invoices,
           g.may_read_documents, g.may_read_messages, g.may_send_messages,
           pc.id AS consent_id, pc.until
           {{more}}
    FROM {{source}}
    CROSS JOIN clinic c
    LEFT JOIN terms_version t ON t.number = (SELECT max(number) FROM terms_version)
    LEFT JOIN terms_acceptance ta ON ta.terms = t.id AND ta.account = a.id
    LEFT JOIN proxy_grant g ON g.account = a.id AND g.withdrawn_at IS NULL AND NOT {BLOCKED}
    LEFT JOIN patient p ON p.id = g.patient
    LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
    WHERE a.disabled_at IS NULL AND {{condition}}
"""
_IN_ORDER = "ORDER BY g.granted_at, g.id"
_BY_SESSION = _VIEWER.format(
    more=", s.id AS session_id, s.created_at AS session_created_at, s.last_used_at",
    source="session s JOIN account a ON a.id = s.account",
    condition="s.token_hash = {}",
)
BY_SESSION = f"{_BY_SESSION} {_IN_ORDER}"
_AMONG = _VIEWER.format(more="", source="account a", condition="a.id IN")


async def load(account: UUID, *, via: str, request_id: str) -> Viewer:
    """The viewer as which an account acts without a session: mail links and jobs."""
    found = await load_each([account], via=via, request_id=request_id)
    if account not in found:
        raise NotFound
    return found[account]


async def load_each(accounts: Collection[UUID], *, via: str, request_id: str) -> dict[UUID, Viewer]:
    """Without those that are unknown or disabled."""
    rows = await db.fetch(f"{_AMONG} ({db.places(accounts)}) {_IN_ORDER}", *accounts)
    of_each: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        of_each.setdefault(row["account_id"], []).append(row)
    return {
        account: from_rows(own, Actor(via, account, request_id)) for account, own in of_each.items()
    }


def from_rows(rows: Sequence[dict[str, Any]], actor: Actor) -> Viewer:
    first = rows[0]
    return Viewer(
        account=ViewerAccount(
            id=first["account_id"],
            email=first["account_email"],
            language=first["account_language"],
            password_changed_at=first["password_changed_at"],
            second_factor_since=first["totp_since"],
        ),
        clinic=ClinicSettings.from_row(first),
        profiles=_profiles(rows),
        actor=actor,
        pending_terms=first["terms_id"] if first["acceptance_id"] is None else None,
    )


def _profiles(rows: Sequence[dict[str, Any]]) -> tuple[Profile, ...]:
    profiles = {row["patient_id"]: _profile(row) for row in rows if row["patient_id"] is not None}
    return tuple(sorted(profiles.values(), key=lambda profile: not profile.is_own))


def _profile(row: dict[str, Any]) -> Profile:
    return Profile(
        id=row["patient_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        birth_date=row["birth_date"],
        is_own=row["relationship"] == "self",
        grants=policy.whole(grant for grant in Grant if row[f"may_{grant}"]),
        has_consent=row["consent_id"] is not None,
        consent_until=row["until"],
        primary_practitioner=row["primary_practitioner"],
        relationship=row["relationship"],
        grant=row["grant_id"],
        granted_at=row["granted_at"],
    )
