from typing import Any

from piccolo.columns import UUID, Boolean, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.clinic.tables import Practitioner, Site, Team
from domain.people.tables import Account, Patient


class DisclaimerVersion(Table):
    """What a writer must have read; each message keeps which version it was."""

    id = UUID(primary_key=True)
    number = Integer(unique=True)
    text_fr = Text()
    text_en = Text()
    published_at = Timestamptz(default=None, null=False)


class Thread(Table):
    """What a clinic and a patient's side wrote to each other about one thing."""

    id = UUID(primary_key=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False, index=True)
    subject = Varchar(length=120)
    site = ForeignKey(Site, on_delete=OnDelete.restrict, null=True)
    team = ForeignKey(Team, on_delete=OnDelete.restrict, null=True)
    """The recipient that the patient's side chose."""
    started_at = Timestamptz(default=None, null=False)
    closed_at = Timestamptz(default=None, null=True)
    closed_by = Varchar(length=120, default="")


class Message(Table):
    """Written by the clinic (`account` is null) or by the patient's side."""

    id = UUID(primary_key=True)
    thread = ForeignKey(Thread, on_delete=OnDelete.restrict, null=False)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False)
    """The thread's, so that a patient's messages are found by one index."""
    kind = Varchar(length=10)
    sender = Varchar(length=120)
    """Who signs it, as shown: a practitioner, a team, or the account's holder at that time."""
    account = ForeignKey(Account, on_delete=OnDelete.restrict, null=True)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=True)
    team = ForeignKey(Team, on_delete=OnDelete.restrict, null=True)
    written_by = Varchar(length=120, default="")
    """Of the clinic's messages: the member of staff who sent it."""
    body = Text()
    folded = Text(default="")
    """Subject, sender, body and file names without case or accents: what a search looks in."""
    sent_at = Timestamptz(default=None, null=False)
    reply_allowed_at = Timestamptz(default=None, null=True)
    reply_refused_at = Timestamptz(default=None, null=True)
    """The later of the two stands."""
    reply_decided_by = Varchar(length=120, default="")
    answers: ForeignKey[Any] = ForeignKey(
        "self", on_delete=OnDelete.restrict, null=True, unique=True
    )
    """The clinic's message that this replies to: one reply each."""
    disclaimer = ForeignKey(DisclaimerVersion, on_delete=OnDelete.restrict, null=True)
    seen_at = Timestamptz(default=None, null=True)
    """Of the patient's messages: when staff first opened it."""
    seen_by = Varchar(length=120, default="")


class Attachment(Table):
    """A PDF of a message; its content lies in the store under `stored_as`."""

    id = UUID(primary_key=True)
    message = ForeignKey(Message, on_delete=OnDelete.restrict, null=False, index=True)
    position = SmallInt(default=0)
    file_name = Varchar(length=150)
    size = Integer()
    """In bytes."""
    sha256 = Varchar(length=64)
    stored_as = Varchar(length=64, unique=True)
    added_at = Timestamptz(default=None, null=False)


class Receipt(Table):
    """This account was given that message, and when it read it. Unread ones are counted here."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False)
    message = ForeignKey(Message, on_delete=OnDelete.cascade, null=False, index=True)
    thread = ForeignKey(Thread, on_delete=OnDelete.cascade, null=False)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=False)
    kind = Varchar(length=10)
    read_at = Timestamptz(default=None, null=True)


class Draft(Table):
    """What an account is writing for a patient: to a thread, or a new message."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=False)
    thread = ForeignKey(Thread, on_delete=OnDelete.cascade, null=True)
    team = UUID(default=None, null=True)
    """As chosen so far: it may be gone by the time of sending."""
    subject = Varchar(length=500, default="")
    body = Text(default="")
    has_agreed = Boolean(default=False)
    saved_at = Timestamptz(default=None, null=False)


class Assignment(Table):
    """Who at the clinic looks after a thread; the latest stands."""

    id = UUID(primary_key=True)
    thread = ForeignKey(Thread, on_delete=OnDelete.cascade, null=False, index=True)
    team = ForeignKey(Team, on_delete=OnDelete.restrict, null=True)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=True)
    assigned_at = Timestamptz(default=None, null=False)
    assigned_by = Varchar(length=120)
