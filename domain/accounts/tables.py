from piccolo.columns import UUID, Date, ForeignKey, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.people.tables import Account, Patient


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


class Registration(Table):
    """What someone said of themselves at sign-up, until the clinic matches it to a chart."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, unique=True)
    first_name = Varchar(length=80)
    last_name = Varchar(length=80)
    birth_date = Date(default=None, null=False)
    health_number = Varchar(length=20, default="")
    phone = Varchar(length=20, default="")
    phone_kind = Varchar(length=10, default="mobile")
    other_phone = Varchar(length=20, default="")
    other_phone_kind = Varchar(length=10, default="mobile")
    asked_at = Timestamptz(default=None, null=False)
    matched_at = Timestamptz(default=None, null=True)
    matched_by = Varchar(length=120, default="")


class AccountLink(Table):
    """A mailed link that activates an account or resets its password, once."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    purpose = Varchar(length=20)
    token_hash = Varchar(length=64, unique=True)
    sent_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)
    used_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    """When a newer one, or a change of the account, took its place."""


class Invitation(Table):
    """The clinic asks a patient in: a link in the mail, and a code handed over."""

    id = UUID(primary_key=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False, index=True)
    email = Varchar(length=254)
    email_canonical = Varchar(length=254, index=True)
    language = Varchar(length=2, default="fr")
    token_hash = Varchar(length=64, unique=True)
    code_hash = Varchar(length=200)
    tries = SmallInt(default=0)
    invited_at = Timestamptz(default=None, null=False)
    invited_by = Varchar(length=120)
    expires_at = Timestamptz(default=None, null=False)
    accepted_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    ended_why = Varchar(length=20, default="")


class EmailChange(Table):
    """A new address, once its mailbox and the old one have both answered."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    new_email = Varchar(length=254)
    new_canonical = Varchar(length=254, index=True)
    token_hash = Varchar(length=64, unique=True)
    code_hash = Varchar(length=200)
    tries = SmallInt(default=0)
    asked_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)
    done_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)


class RecoveryCode(Table):
    """One of ten ways in without the second factor's device, each for once."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    code_hash = Varchar(length=64)
    used_at = Timestamptz(default=None, null=True)


class ClinicRequest(Table):
    """What someone asks of the clinic's staff: to attach a profile, or to correct an error."""

    id = UUID(primary_key=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False, index=True)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=True, index=True)
    kind = Varchar(length=20)
    text = Text()
    asked_at = Timestamptz(default=None, null=False)
    handled_at = Timestamptz(default=None, null=True)
    handled_by = Varchar(length=120, default="")
    subject = UUID(default=None, null=True)
    """The appointment that cannot be kept."""
    outcome = Varchar(length=20, default="")
    """`done` or `declined`."""
    note = Text(default="")
    """The staff's own word on it, not shown to the patient."""
