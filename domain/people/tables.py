from piccolo.columns import (
    UUID,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.clinic.tables import Practitioner


class Account(Table):
    """The person who signs in."""

    id = UUID(primary_key=True)
    email = Varchar(length=254)
    email_canonical = Varchar(length=254, unique=True)
    password_hash = Varchar(length=200)
    language = Varchar(length=2, default="fr")
    created_at = Timestamptz(default=None, null=False)
    password_changed_at = Timestamptz(default=None, null=False)
    activated_at = Timestamptz(default=None, null=True)
    disabled_at = Timestamptz(default=None, null=True)
    undeliverable_at = Timestamptz(default=None, null=True)
    """When the third mail in a row was refused for good: its notices stop, and staff are told."""
    totp_secret = Varchar(length=200, default="")
    """Encrypted; empty where no second factor is asked for."""
    totp_since = Timestamptz(default=None, null=True)
    totp_last_step = BigInt(default=0)
    """The 30-second step of the last code taken: each is taken once."""


class Patient(Table):
    """The person cared for."""

    id = UUID(primary_key=True)
    first_name = Varchar(length=80)
    last_name = Varchar(length=80)
    birth_date = Date(default=None, null=False)
    health_number = Varchar(length=20, default="")
    phone = Varchar(length=20, default="")
    phone_kind = Varchar(length=10, default="mobile")
    other_phone = Varchar(length=20, default="")
    other_phone_kind = Varchar(length=10, default="mobile")
    primary_practitioner = ForeignKey(Practitioner, on_delete=OnDelete.set_null, null=True)
    folded_name = Varchar(length=200, default="", index=True)
    """« last first » without case and accents, as the staff's search compares it."""
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=True)
    created_by = Varchar(length=120, default="")


class PatientWord(Table):
    """A word of a patient's name. The database itself keeps them, whoever writes the name."""

    id = BigSerial(primary_key=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=False, index=True)
    word = Varchar(length=200)


class ProxyGrant(Table):
    """This account may act for that patient, for these tabs; `self` is one's own chart."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False, index=True)
    relationship = Varchar(length=20)
    may_book = Boolean(default=False)
    may_read_invoices = Boolean(default=False)
    may_read_documents = Boolean(default=False)
    may_read_messages = Boolean(default=False)
    may_send_messages = Boolean(default=False)
    granted_at = Timestamptz(default=None, null=False)
    granted_by = Varchar(length=120, default="")
    withdrawn_at = Timestamptz(default=None, null=True)
    withdrawn_by = Varchar(length=120, default="")
    lost_at = Timestamptz(default=None, null=True)
    """When the job told of the loss at the age of consent; the rule itself looks at the date."""


class ProxyConsent(Table):
    """A person of age agreed that this account acts for them."""

    id = UUID(primary_key=True)
    grant = ForeignKey(ProxyGrant, on_delete=OnDelete.restrict, null=False, index=True)
    recorded_by = Varchar(length=120)
    how_given = Varchar(length=10, default="")
    """`spoken` or `written`; empty for those recorded before this was asked."""
    recorded_at = Timestamptz(default=None, null=False)
    until = Timestamptz(default=None, null=True)
    withdrawn_at = Timestamptz(default=None, null=True)


class AccessBlock(Table):
    """The clinic lets nobody, or not this account, act for the patient: a court's order, or what
    a young person confided. The reason is for the staff alone."""

    id = UUID(primary_key=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False, index=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=True)
    """None: whoever it is but the patient."""
    reason = Text()
    blocked_at = Timestamptz(default=None, null=False)
    blocked_by = Varchar(length=120)
    ended_at = Timestamptz(default=None, null=True)
    ended_by = Varchar(length=120, default="")
