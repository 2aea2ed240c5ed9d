from piccolo.columns import UUID, BigInt, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.clinic.tables import Practitioner


class StaffMember(Table):
    """Someone who works at the clinic and signs in to its side. Never deleted: the journal and
    what they wrote name them."""

    id = UUID(primary_key=True)
    email = Varchar(length=254)
    email_canonical = Varchar(length=254, unique=True)
    first_name = Varchar(length=80)
    last_name = Varchar(length=80)
    role = Varchar(length=20)
    """One of `domain.staff.roles.Role`."""
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=True, unique=True)
    """Whose calendar and messages are theirs."""
    language = Varchar(length=2, default="fr")
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=False)
    created_by = Varchar(length=120)
    password_hash = Varchar(length=200, default="")
    """Empty until they have chosen one by their link."""
    password_changed_at = Timestamptz(default=None, null=True)
    totp_secret = Varchar(length=200, default="")
    """Encrypted; nobody signs in without one."""
    totp_since = Timestamptz(default=None, null=True)
    totp_last_step = BigInt(default=0)
    """The 30-second step of the last code taken: each is taken once."""
    deactivated_at = Timestamptz(default=None, null=True)
    deactivated_by = Varchar(length=120, default="")


class StaffSession(Table):
    """A member's signed-in browser. Only the hash of its token is kept."""

    id = UUID(primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    member = ForeignKey(StaffMember, on_delete=OnDelete.cascade, null=False, index=True)
    created_at = Timestamptz(default=None, null=False)
    last_used_at = Timestamptz(default=None, null=False)
    device = Varchar(length=200, default="")


class StaffLink(Table):
    """A one-time link by which a member chooses a password and sets up the second factor."""

    id = UUID(primary_key=True)
    member = ForeignKey(StaffMember, on_delete=OnDelete.cascade, null=False, index=True)
    purpose = Varchar(length=20)
    """`enrol` (both, for a new member or a lost device) or `reset` (the password alone)."""
    token_hash = Varchar(length=64, unique=True)
    sent_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)
    used_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    """When a newer one, or a change of the member, took its place."""


class StaffFormKey(Table):
    """What a form's random key led to, so that sending it twice does it once."""

    id = UUID(primary_key=True)
    member = ForeignKey(StaffMember, on_delete=OnDelete.cascade, null=False)
    action = Varchar(length=40)
    key = Varchar(length=255)
    digest = Varchar(length=64)
    result = UUID(default=None, null=True)
    used_at = Timestamptz(default=None, null=False, index=True)
