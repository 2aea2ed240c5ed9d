from piccolo.columns import UUID, BigInt, BigSerial, Integer, Timestamptz, Varchar
from piccolo.table import Table


class AuditLine(Table):
    """Who did or saw what of whom. Only ever appended (a database rule)."""

    id = BigSerial(primary_key=True)
    at = Timestamptz(default=None, null=False)
    actor_kind = Varchar(length=12)
    actor = UUID(default=None, null=True)
    patient = UUID(default=None, null=True)
    action = Varchar(length=40)
    subject = UUID(default=None, null=True)
    outcome = Varchar(length=40)
    request_id = Varchar(length=36)


class AuditSeal(Table):
    """The hash of all lines up to one, chained: a line changed behind our back shows."""

    id = BigSerial(primary_key=True)
    last_line = BigInt(unique=True)
    lines = Integer()
    digest = Varchar(length=64)
    sealed_at = Timestamptz(default=None, null=False)


class Activity(Table):
    """An entry of a profile's « Activité » column."""

    id = UUID(primary_key=True)
    patient = UUID(default=None, null=False)
    kind = Varchar(length=20)
    subject = UUID(default=None, null=False)
    about = Timestamptz(default=None, null=True)
    """The time the entry speaks of, as it was then: a visit's start."""
    happened_at = Timestamptz(default=None, null=False)
