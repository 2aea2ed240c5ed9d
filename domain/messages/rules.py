"""Which kinds one may see, and when one may answer. Knows no table."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from domain.clinic.settings import ClinicSettings
from domain.people.policy import Grant

Kind = Literal["message", "document", "invoice"]
Box = Literal["inbox", "documents", "invoices", "sent"]

KINDS: tuple[Kind, ...] = ("message", "document", "invoice")
GRANT_OF: dict[Kind, Grant] = {
    "message": Grant.READ_MESSAGES,
    "document": Grant.READ_DOCUMENTS,
    "invoice": Grant.READ_INVOICES,
}
KINDS_OF: dict[Box, Set[Kind]] = {
    "inbox": frozenset(KINDS),
    "documents": frozenset({"document"}),
    "invoices": frozenset({"invoice"}),
    "sent": frozenset({"message"}),
}

LONGEST_BODY = 500
LONGEST_SUBJECT = 120

WhyNoReply = Literal["", "off", "no_grant", "closed", "nothing_to_answer", "refused", "used"]


class Asker(Protocol):
    """What of a viewer the rules look at."""

    @property
    def clinic(self) -> ClinicSettings: ...
    def may(self, grant: Grant, patient: UUID, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class LatestFromClinic:
    """What of the clinic's latest message in a thread decides whether it may be answered."""

    id: UUID
    kind: Kind
    is_reply_allowed: bool
    is_answered: bool


def visible_kinds(viewer: Asker, patient: UUID, now: datetime) -> frozenset[Kind]:
    """What this viewer may read of that patient; a message of another kind does not exist."""
    return frozenset(kind for kind in KINDS if viewer.may(GRANT_OF[kind], patient, now))


def is_open(box: Box, viewer: Asker) -> bool:
    """Whether the clinic has that list at all."""
    clinic = viewer.clinic
    return {"documents": clinic.has_documents, "invoices": clinic.has_invoices}.get(box, True)


def may_open(box: Box, viewer: Asker, patient: UUID, now: datetime) -> bool:
    """Whether that list stands among the tabs; a route asks the same."""
    return is_open(box, viewer) and bool(visible_kinds(viewer, patient, now) & KINDS_OF[box])


def may_write(viewer: Asker, patient: UUID, now: datetime) -> bool:
    """« Nouveau message »."""
    return viewer.clinic.has_new_messages and viewer.may(Grant.SEND_MESSAGES, patient, now)


def is_reply_allowed(allowed_at: datetime | None, refused_at: datetime | None) -> bool:
    """Of the clinic's two decisions on a message, the later stands."""
    return allowed_at is not None and (refused_at is None or allowed_at > refused_at)


def why_no_reply(
    viewer: Asker,
    patient: UUID,
    *,
    is_closed: bool,
    latest: LatestFromClinic | None,
    now: datetime,
) -> WhyNoReply:
    """Empty where « Répondre » is open. `latest` is among the messages this viewer may see."""
    if not viewer.clinic.has_replies:
        return "off"
    if not viewer.may(Grant.SEND_MESSAGES, patient, now):
        return "no_grant"
    if latest is None:
        return "nothing_to_answer"
    if is_closed:
        return "closed"
    if latest.is_answered:
        return "used"
    return "" if latest.is_reply_allowed else "refused"
