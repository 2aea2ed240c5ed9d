from piccolo.columns import JSON, UUID, ForeignKey, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.people.tables import Account, Patient


class OutboundEmail(Table):
    """A mail owed to an account, written with its cause and delivered by a job."""

    id = UUID(primary_key=True)
    kind = Varchar(length=40)
    account = ForeignKey(Account, on_delete=OnDelete.restrict, null=True, index=True)
    address = Varchar(length=254, default="")
    """Where it goes instead of the account's own address; the only one without an account."""
    facts = JSON(default="{}")
    """Ids, never content: the mail is composed from the rows as they are when it leaves."""
    once_key = Varchar(length=120, default=None, null=True, unique=True)
    created_at = Timestamptz(default=None, null=False)
    due_at = Timestamptz(default=None, null=False)
    leased_until = Timestamptz(default=None, null=True)
    tries = SmallInt(default=0)
    sent_at = Timestamptz(default=None, null=True)
    dropped_at = Timestamptz(default=None, null=True)
    """When its cause was no longer true at sending time."""
    dead_at = Timestamptz(default=None, null=True)
    last_error = Text(default="")
    handled_at = Timestamptz(default=None, null=True)
    """When staff saw to a dead one in another way."""
    handled_by = Varchar(length=120, default="")


class MailPreference(Table):
    """This account does not want this class of mail about that patient."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=False, index=True)
    mail_class = Varchar(length=20)
    refused_at = Timestamptz(default=None, null=False)
