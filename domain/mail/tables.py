from piccolo.columns import JSON, UUID, ForeignKey, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.people.tables import Account


class OutboundEmail(Table):
    """A mail owed to an account, written with its cause and delivered by a job."""

    id = UUID(primary_key=True)
    kind = Varchar(length=40)
    account = ForeignKey(Account, on_delete=OnDelete.restrict, null=False)
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
