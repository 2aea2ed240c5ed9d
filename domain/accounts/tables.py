from piccolo.columns import UUID, ForeignKey, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.people.tables import Account


class Session(Table):
    """A signed-in browser. Only the hash of its token is kept."""

    id = UUID(primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    created_at = Timestamptz(default=None, null=False)
    last_used_at = Timestamptz(default=None, null=False)
    device = Varchar(length=200, default="")


class Attempt(Table):
    """One try at something limited: `key` says what and by whom, without naming them."""

    id = UUID(primary_key=True)
    key = Varchar(length=100)
    tried_at = Timestamptz(default=None, null=False)


class TermsVersion(Table):
    id = UUID(primary_key=True)
    number = SmallInt(unique=True)
    text_fr = Text()
    text_en = Text()
    published_at = Timestamptz(default=None, null=False)


class TermsAcceptance(Table):
    id = UUID(primary_key=True)
    terms = ForeignKey(TermsVersion, on_delete=OnDelete.restrict, null=False)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    language = Varchar(length=2)
    accepted_at = Timestamptz(default=None, null=False)


class FormKey(Table):
    """What a form's random key led to, so that sending it twice does it once."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False)
    action = Varchar(length=40)
    key = Varchar(length=255)
    digest = Varchar(length=64)
    result = UUID(default=None, null=True)
    used_at = Timestamptz(default=None, null=False, index=True)
