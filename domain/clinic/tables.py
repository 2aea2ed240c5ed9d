from piccolo.columns import (
    UUID,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    SmallInt,
    Text,
    Time,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table


class Clinic(Table):
    """One row: the organisation and the settings it may change."""

    id = UUID(primary_key=True)
    name = Varchar(length=120)
    phone = Varchar(length=20)
    email = Varchar(length=254)
    address = Varchar(length=200)
    province = Varchar(length=2)
    time_zone = Varchar(length=60)
    consent_age = SmallInt(null=True, default=None)
    confirm_window_hours = SmallInt(default=72)
    cancel_limit_hours = SmallInt(default=48)
    hold_minutes = SmallInt(default=5)
    horizon_weeks = SmallInt(default=12)
    notice_minutes = Integer(default=60)
    most_upcoming = SmallInt(default=5)
    idle_minutes = SmallInt(default=20)
    has_booking = Boolean(default=True)
    has_urgent_booking = Boolean(default=True)
    mail_shows_details = Boolean(default=False)
    mail_sender_name = Varchar(length=120)
    invitation_days = SmallInt(default=7)
    unmatched_may_book = Boolean(default=False)
    required_fields = Varchar(length=200, default="name,phone")
    """Of the sign-up form, besides e-mail, password and date of birth."""
    retention_years = SmallInt(default=5)
    has_documents = Boolean(default=True)
    has_invoices = Boolean(default=True)
    has_replies = Boolean(default=True)
    has_new_messages = Boolean(default=True)
    answer_days = SmallInt(default=2)
    """Working days in which patients usually get an answer; 0 tells them nothing."""
    staff_idle_minutes = SmallInt(default=15)
    version = Integer(default=1)


class SettingChange(Table):
    """A setting that was changed: from what to what, from when on, and by whom."""

    id = UUID(primary_key=True)
    name = Varchar(length=40)
    before = Varchar(length=300, default="")
    after = Varchar(length=300, default="")
    note = Varchar(length=300, default="")
    """Why, or by which source: asked for where the law may look (the age of consent)."""
    changed_at = Timestamptz(default=None, null=False, index=True)
    changed_by = Varchar(length=120)


class Site(Table):
    id = UUID(primary_key=True)
    name = Varchar(length=120)
    street = Varchar(length=160)
    city = Varchar(length=80)
    province = Varchar(length=2)
    postal_code = Varchar(length=10)
    phone = Varchar(length=20)
    position = SmallInt(default=0)
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class Specialty(Table):
    id = UUID(primary_key=True)
    name_fr = Varchar(length=80)
    name_en = Varchar(length=80)
    position = SmallInt(default=0)
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class Team(Table):
    """Whom a patient writes to, and who writes where no practitioner signs."""

    id = UUID(primary_key=True)
    name_fr = Varchar(length=80)
    name_en = Varchar(length=80)
    takes_messages = Boolean(default=True)
    position = SmallInt(default=0)
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class Practitioner(Table):
    id = UUID(primary_key=True)
    title = Varchar(length=10)
    first_name = Varchar(length=80)
    last_name = Varchar(length=80)
    specialty = ForeignKey(Specialty, on_delete=OnDelete.restrict, null=False, index=True)
    room_url = Varchar(length=300, default="")
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class VisitType(Table):
    id = UUID(primary_key=True)
    name_fr = Varchar(length=80)
    name_en = Varchar(length=80)
    minutes = SmallInt()
    is_urgent = Boolean(default=False)
    is_virtual = Boolean(default=False)
    message_fr = Text(default="")
    message_en = Text(default="")
    position = SmallInt(default=0)
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class Schedule(Table):
    """One practitioner at one site, open for some visit types (FHIR: Schedule)."""

    id = UUID(primary_key=True)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=False, index=True)
    site = ForeignKey(Site, on_delete=OnDelete.restrict, null=False, index=True)
    ended_at = Timestamptz(default=None, null=True)
    """Offered no more from then on; what refers to it keeps its name."""
    ended_by = Varchar(length=120, default="")
    version = Integer(default=1)


class ScheduleVisitType(Table):
    id = UUID(primary_key=True)
    schedule = ForeignKey(Schedule, on_delete=OnDelete.cascade, null=False, index=True)
    visit_type = ForeignKey(VisitType, on_delete=OnDelete.restrict, null=False, index=True)


class WeeklyHours(Table):
    """A line of a weekly template, in the clinic's wall-clock time."""

    id = UUID(primary_key=True)
    schedule = ForeignKey(Schedule, on_delete=OnDelete.cascade, null=False, index=True)
    weekday = SmallInt()
    """0 is Monday."""
    opens = Time()
    closes = Time()
    slot_minutes = SmallInt()


class OpenDay(Table):
    """Hours of one single day besides the weekly template, in the clinic's wall-clock time."""

    id = UUID(primary_key=True)
    schedule = ForeignKey(Schedule, on_delete=OnDelete.cascade, null=False, index=True)
    day = Date(default=None, null=False)
    opens = Time()
    closes = Time()
    slot_minutes = SmallInt()
    added_at = Timestamptz(default=None, null=False)
    added_by = Varchar(length=120)


class Absence(Table):
    """Days without slots: of one practitioner, or of the whole clinic."""

    id = UUID(primary_key=True)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.cascade, null=True, index=True)
    first_day = Date(default=None, null=False)
    last_day = Date(default=None, null=False)
    reason = Varchar(length=120, default="")
    added_at = Timestamptz(default=None, null=True)
    added_by = Varchar(length=120, default="")


class Slot(Table):
    """Published time of one practitioner; never overlapping another (a database rule)."""

    id = UUID(primary_key=True)
    schedule = ForeignKey(Schedule, on_delete=OnDelete.restrict, null=False, index=True)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=False, index=False)
    site = ForeignKey(Site, on_delete=OnDelete.restrict, null=False, index=False)
    starts_at = Timestamptz(default=None, null=False)
    ends_at = Timestamptz(default=None, null=False)
    minutes = SmallInt()
    withdrawn_at = Timestamptz(default=None, null=True)
    withdrawn_why = Varchar(length=10, default="")
    """`staff`: this very slot, not to be published again; `half_day`: nor anything else in that
    half-day. Else its absence or its template's change: published again if that is taken back."""
    withdrawn_by = Varchar(length=120, default="")


class TextTemplate(Table):
    """A text that staff use again and again; put into a message, where it can be changed."""

    id = UUID(primary_key=True)
    name = Varchar(length=80)
    language = Varchar(length=2, default="fr")
    subject = Varchar(length=120, default="")
    body = Text()
    position = SmallInt(default=0)
    changed_at = Timestamptz(default=None, null=False)
    changed_by = Varchar(length=120)
    ended_at = Timestamptz(default=None, null=True)
    version = Integer(default=1)


class Incident(Table):
    """The register of confidentiality incidents; kept at least five years (R-22.1, r. 1, s. 15)."""

    id = UUID(primary_key=True)
    information = Text()
    """The personal information concerned, or why it cannot be described."""
    circumstances = Text()
    occurred_from = Date(default=None, null=False)
    occurred_to = Date(default=None, null=True)
    noticed_on = Date(default=None, null=False)
    people = Integer()
    """How many are concerned, or an estimate."""
    severity = Text()
    """What leads to think that there is a risk of serious injury, or not."""
    is_serious = Boolean(default=False)
    commission_told_on = Date(default=None, null=True)
    people_told_on = Date(default=None, null=True)
    public_notice = Text(default="")
    """Whether the public was told, and why."""
    measures = Text()
    """What was done to lessen the risk of injury and that it happens again."""
    recorded_at = Timestamptz(default=None, null=False)
    recorded_by = Varchar(length=120)
    version = Integer(default=1)
    changed_at = Timestamptz(default=None, null=True)
    changed_by = Varchar(length=120, default="")
