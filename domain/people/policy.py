"""May this viewer do this for that profile, now? The one answer that everything asks."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.clinic.settings import ClinicSettings
from domain.people.coming_of_age import is_of_age


class Grant(StrEnum):
    BOOK = "book"
    READ_INVOICES = "read_invoices"
    READ_DOCUMENTS = "read_documents"
    READ_MESSAGES = "read_messages"
    SEND_MESSAGES = "send_messages"


ANSWERS_FOR_CHILD = frozenset({"parent", "guardian"})
READING = frozenset({Grant.READ_MESSAGES, Grant.READ_DOCUMENTS, Grant.READ_INVOICES})
IMPLIED = {Grant.SEND_MESSAGES: Grant.READ_MESSAGES}


class Held(Protocol):
    """What of a profile the policy looks at."""

    @property
    def id(self) -> UUID: ...
    @property
    def birth_date(self) -> date: ...
    @property
    def is_own(self) -> bool: ...
    @property
    def relationship(self) -> str: ...
    @property
    def consent_until(self) -> datetime | None: ...
    @property
    def has_consent(self) -> bool: ...
    @property
    def grants(self) -> frozenset[Grant]: ...


def whole(grants: Iterable[Grant]) -> frozenset[Grant]:
    """With those that come with another."""
    given = frozenset(grants)
    return given | {IMPLIED[each] for each in given if each in IMPLIED}


def is_lost(profile: Held, clinic: ClinicSettings, now: datetime) -> bool:
    if profile.is_own or not is_of_age(profile.birth_date, clinic, now):
        return False
    is_running = profile.consent_until is None or now < profile.consent_until
    return not (profile.has_consent and is_running)


def may(grant: Grant, profile: Held, clinic: ClinicSettings, now: datetime) -> bool:
    return grant in profile.grants and not is_lost(profile, clinic, now)


def may_open(profile: Held, clinic: ClinicSettings, now: datetime) -> bool:
    """« Profil », which asks for no grant: who this is, and what one may do for them."""
    return not is_lost(profile, clinic, now)


def may_read_journal(profile: Held, clinic: ClinicSettings, now: datetime) -> bool:
    """Who looked is told to the person; a child's parent or guardian reads it for them."""
    is_for_child = profile.relationship in ANSWERS_FOR_CHILD
    return profile.is_own or (is_for_child and not is_of_age(profile.birth_date, clinic, now))


def may_end_access(profile: Held, clinic: ClinicSettings, now: datetime) -> bool:
    """Whether this person decides alone who acts for them."""
    return profile.is_own and is_of_age(profile.birth_date, clinic, now)
