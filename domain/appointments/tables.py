from piccolo.columns import UUID, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from domain.clinic.tables import Practitioner, Site, Slot, VisitType
from domain.people.tables import Account, Patient
from domain.staff.tables import StaffMember


class Appointment(Table):
    """A booked slot. Its state is which of its dates are set."""

    id = UUID(primary_key=True)
    slot = ForeignKey(Slot, on_delete=OnDelete.restrict, null=False)
    patient = ForeignKey(Patient, on_delete=OnDelete.restrict, null=False)
    visit_type = ForeignKey(VisitType, on_delete=OnDelete.restrict, null=False)
    practitioner = ForeignKey(Practitioner, on_delete=OnDelete.restrict, null=False)
    site = ForeignKey(Site, on_delete=OnDelete.restrict, null=False)
    starts_at = Timestamptz(default=None, null=False)
    ends_at = Timestamptz(default=None, null=False)
    """The start and the type's duration on the day of booking: a later change moves nothing."""
    reason = Varchar(length=140, default="")
    version = Integer(default=1)
    booked_at = Timestamptz(default=None, null=False)
    booked_by = ForeignKey(Account, on_delete=OnDelete.restrict, null=True)
    confirmable_at = Timestamptz(default=None, null=True)
    """When the job announced the open window; the rule itself is asked each time."""
    confirmed_at = Timestamptz(default=None, null=True)
    confirmed_by = ForeignKey(Account, on_delete=OnDelete.restrict, null=True)
    cancelled_at = Timestamptz(default=None, null=True)
    cancelled_by = ForeignKey(Account, on_delete=OnDelete.restrict, null=True)
    booked_by_staff = ForeignKey(StaffMember, on_delete=OnDelete.restrict, null=True)
    confirmed_by_staff = ForeignKey(StaffMember, on_delete=OnDelete.restrict, null=True)
    cancelled_by_staff = ForeignKey(StaffMember, on_delete=OnDelete.restrict, null=True)
    clinic_note = Varchar(length=300, default="")
    """What the clinic tells the patient with its own cancelling or moving."""
    no_show_at = Timestamptz(default=None, null=True)
    no_show_by = ForeignKey(StaffMember, on_delete=OnDelete.restrict, null=True)


class Hold(Table):
    """A slot kept for one account and profile while they decide."""

    id = UUID(primary_key=True)
    slot = ForeignKey(Slot, on_delete=OnDelete.cascade, null=False, unique=True)
    account = ForeignKey(Account, on_delete=OnDelete.cascade, null=False)
    patient = ForeignKey(Patient, on_delete=OnDelete.cascade, null=False)
    placed_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False, index=True)
