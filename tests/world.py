"""A small clinic and its cast: Alice, a patient; Bob, her child; Charlie, who must see nothing.

Of its staff: Dana, a secretary; Erin, a practitioner; Fay, an administrator.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from domain import db
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.tables import TermsAcceptance, TermsVersion
from domain.appointments.choices import Choices
from domain.appointments.tables import Appointment
from domain.clinic.tables import (
    Clinic,
    Practitioner,
    Schedule,
    ScheduleVisitType,
    Site,
    Slot,
    Specialty,
    Team,
    VisitType,
)
from domain.messages import attachments, writing
from domain.messages.rules import Kind
from domain.messages.tables import Attachment, DisclaimerVersion, Message, Thread
from domain.people import names
from domain.people import viewer as viewers
from domain.people.tables import Account, Patient, ProxyConsent, ProxyGrant
from domain.people.viewer import Viewer
from domain.staff import sessions as staff_sessions
from domain.staff.member import Member
from domain.staff.roles import Role
from domain.staff.tables import StaffMember
from tests import pdfs
from tests.keys import KEYS
from tests.stores import FILES

ZONE = ZoneInfo("America/Toronto")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, 10:00 in Toronto
PASSWORD = "Tulipe-42-Nord"
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def own_passwords() -> Passwords:
    """For a test that hashes more at once than there are places: who waits is of its own loop."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), queue=100)


STAFF_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ"
STAFF_BOX = SecretBox(KEYS)
EVERY_GRANT = ("book", "read_invoices", "read_documents", "read_messages", "send_messages")


@dataclass
class World:
    now: datetime = NOW
    clinic: UUID = field(default_factory=uuid4)
    terms: UUID = field(default_factory=uuid4)
    specialty: UUID = field(default_factory=uuid4)
    site: UUID = field(default_factory=uuid4)
    practitioner: UUID = field(default_factory=uuid4)
    visit_type: UUID = field(default_factory=uuid4)
    urgent_type: UUID = field(default_factory=uuid4)
    schedule: UUID = field(default_factory=uuid4)
    alice: UUID = field(default_factory=uuid4)
    bob: UUID = field(default_factory=uuid4)
    charlie: UUID = field(default_factory=uuid4)
    alice_account: UUID = field(default_factory=uuid4)
    charlie_account: UUID = field(default_factory=uuid4)
    team: UUID = field(default_factory=uuid4)
    disclaimer: UUID = field(default_factory=uuid4)
    dana: UUID = field(default_factory=uuid4)
    """A secretary of the clinic."""
    erin: UUID = field(default_factory=uuid4)
    """The practitioner, as a member of the staff."""
    fay: UUID = field(default_factory=uuid4)
    """An administrator."""
    signed_in: dict[UUID, Member] = field(default_factory=dict)

    @property
    def choices(self) -> Choices:
        return Choices(
            kind="regular",
            specialty=self.specialty,
            practitioner=self.practitioner,
            site=self.site,
            visit_type=self.visit_type,
            moment="soonest",
        )

    @property
    def urgent_choices(self) -> Choices:
        return Choices(kind="urgent", site=self.site, visit_type=self.urgent_type, reason="Fièvre")

    async def viewer(self, account: UUID | None = None) -> Viewer:
        return await viewers.load(account or self.alice_account, via="account", request_id="test")

    async def slot(
        self, starts_at: datetime | None = None, *, minutes: int = 15, schedule: UUID | None = None
    ) -> UUID:
        """A published slot; without a time, tomorrow at 10:00 clinic time."""
        starts_at = starts_at or self.now + timedelta(days=1)
        of = await Schedule.objects().get(Schedule.id == (schedule or self.schedule))
        assert of is not None
        slot = Slot(
            id=uuid4(),
            schedule=of.id,
            practitioner=of.practitioner,
            site=of.site,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            minutes=minutes,
        )
        await Slot.insert(slot)
        return slot.id

    async def appointment(
        self, starts_at: datetime, *, patient: UUID | None = None, **columns: Any
    ) -> UUID:
        """A visit as if booked long ago, with its slot."""
        slot = columns.pop("slot", None) or await self.slot(starts_at)
        appointment = Appointment(
            id=uuid4(),
            slot=slot,
            patient=patient or self.alice,
            visit_type=columns.pop("visit_type", self.visit_type),
            practitioner=columns.pop("practitioner", self.practitioner),
            site=self.site,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=15),
            booked_at=self.now - timedelta(days=20),
            booked_by=self.alice_account,
            **columns,
        )
        await Appointment.insert(appointment)
        return appointment.id

    async def another_practitioner(self, last_name: str = "Tran") -> UUID:
        """The schedule of a new colleague of the same specialty and site."""
        practitioner = Practitioner(
            id=uuid4(), title="Dr", first_name="Hugo", last_name=last_name, specialty=self.specialty
        )
        await Practitioner.insert(practitioner)
        schedule = Schedule(id=uuid4(), practitioner=practitioner.id, site=self.site)
        await Schedule.insert(schedule)
        for visit_type in (self.visit_type, self.urgent_type):
            await ScheduleVisitType.insert(
                ScheduleVisitType(id=uuid4(), schedule=schedule.id, visit_type=visit_type)
            )
        return schedule.id

    async def patient(self, first_name: str, last_name: str, birth_date: date) -> UUID:
        patient = Patient(
            id=uuid4(),
            first_name=first_name,
            last_name=last_name,
            birth_date=birth_date,
            folded_name=names.searched(first_name, last_name),
        )
        await Patient.insert(patient)
        return patient.id

    async def account(self, email: str, *, accepts_terms: bool = True, **columns: Any) -> UUID:
        account = Account(
            id=uuid4(),
            email=email,
            email_canonical=email.lower(),
            password_hash=await PASSWORDS.hash(PASSWORD),
            created_at=self.now,
            password_changed_at=self.now - timedelta(days=100),
            activated_at=self.now,
        )
        for name, value in columns.items():
            setattr(account, name, value)
        await Account.insert(account)
        if accepts_terms:
            await TermsAcceptance.insert(
                TermsAcceptance(
                    id=uuid4(),
                    terms=self.terms,
                    account=account.id,
                    language="fr",
                    accepted_at=self.now,
                )
            )
        return account.id

    async def member(self, id: UUID | None = None, **columns: Any) -> UUID:
        """Of the staff: a secretary who can sign in, unless said otherwise."""
        id = id or uuid4()
        given = {
            "email": f"{id.hex[:8]}@clinique.example",
            "first_name": "Sam",
            "last_name": "Lavoie",
            "role": Role.SECRETARY,
            "password_hash": await PASSWORDS.hash(PASSWORD),
            "password_changed_at": self.now - timedelta(days=100),
            "totp_secret": STAFF_BOX.seal(id, STAFF_SECRET, now=self.now),
            "totp_since": self.now - timedelta(days=100),
            **columns,
        }
        await StaffMember.insert(
            StaffMember(
                id=id,
                email_canonical=given["email"].lower(),
                created_at=self.now - timedelta(days=100),
                created_by="portal admin",
                **given,
            )
        )
        return id

    async def at_work(self, member: UUID | None = None) -> Member:
        """Dana, unless said otherwise, as she asks for something now."""
        token = await staff_sessions.begin(member or self.dana, device="", now=self.now)
        found = await staff_sessions.member_of(token, request_id="test", now=self.now)
        assert found is not None
        return found

    async def still_at_work(self, member: UUID | None = None) -> Member:
        """The same, in one session however often asked: a fourth one would end the first."""
        id = member or self.dana
        if id not in self.signed_in:
            self.signed_in[id] = await self.at_work(id)
        return self.signed_in[id]

    async def grant(
        self, account: UUID, patient: UUID, *grants: str, relationship: str = "parent"
    ) -> UUID:
        flags = {f"may_{name}": name in (grants or EVERY_GRANT) for name in EVERY_GRANT}
        grant = ProxyGrant(
            id=uuid4(),
            account=account,
            patient=patient,
            relationship=relationship,
            granted_at=self.now - timedelta(days=300),
            **flags,
        )
        await ProxyGrant.insert(grant)
        return grant.id

    async def thread(
        self,
        *bodies: str,
        patient: UUID | None = None,
        subject: str = "Résultats",
        kind: Kind = "message",
        may_answer: bool = False,
        at: datetime | None = None,
    ) -> UUID:
        """A thread with these messages of the clinic; without any, with one."""
        at = at or self.now - timedelta(days=1)
        row = Thread(
            id=uuid4(),
            patient=patient or self.alice,
            subject=subject,
            site=self.site,
            started_at=at,
        )
        await Thread.insert(row)
        for place, body in enumerate(bodies or ("Bonjour, voici vos résultats.",)):
            await self.message(
                row.id, body, kind=kind, may_answer=may_answer, at=at + timedelta(minutes=place)
            )
        return row.id

    async def message(
        self,
        thread: UUID,
        body: str = "Bonjour.",
        *,
        kind: Kind = "message",
        may_answer: bool = False,
        at: datetime | None = None,
        account: UUID | None = None,
        answers: UUID | None = None,
    ) -> UUID:
        """One more in this thread: the clinic's, or with an account, the patient's side's."""
        at = at or self.now
        found = await Thread.objects().get(Thread.id == thread)
        assert found is not None
        row = Message(
            id=uuid4(),
            thread=found.id,
            patient=found.patient,
            sent_at=at,
            kind=kind,
            sender="Alice Gagnon" if account else "Dre Camille Roy",
            account=account,
            practitioner=None if account else self.practitioner,
            written_by="" if account else "accueil",
            body=body,
            reply_allowed_at=at if may_answer else None,
            answers=answers,
            disclaimer=self.disclaimer if account else None,
        )
        async with db.transaction():
            await writing.add(found, row)
        return row.id

    async def attachment(
        self,
        message: UUID | None = None,
        *,
        name: str = "Résultats.pdf",
        content: bytes | None = None,
        kind: Kind = "document",
        patient: UUID | None = None,
        at: datetime | None = None,
    ) -> UUID:
        """A PDF of this message of the clinic; without one, of a message of its own."""
        at = at or self.now
        if message is None:
            thread = await self.thread("Voici.", patient=patient, kind=kind, at=at)
            message = (await Message.select(Message.id).where(Message.thread == thread))[0]["id"]
        files = [attachments.File(name, pdfs.good() if content is None else content)]
        await attachments.add(message, await attachments.stored(files, FILES), now=at)
        where = Attachment.message == message
        rows = await Attachment.select(Attachment.id).where(where).order_by(Attachment.added_at)
        return rows[-1]["id"]  # type: ignore[no-any-return]

    async def consent(self, grant: UUID, until: datetime | None = None) -> None:
        await ProxyConsent.insert(
            ProxyConsent(
                id=uuid4(),
                grant=grant,
                recorded_by="accueil",
                how_given="spoken",
                recorded_at=self.now,
                until=until,
            )
        )

    async def set_clinic(self, **settings: Any) -> None:
        await Clinic.update(settings, force=True)


async def build(now: datetime = NOW) -> World:
    world = World(now=now)
    await _clinic(world)
    world.alice = await world.patient("Alice", "Gagnon", date(1985, 5, 2))
    world.bob = await world.patient("Bob", "Gagnon", date(2018, 3, 9))
    world.charlie = await world.patient("Charlie", "Dubois", date(1979, 8, 30))
    world.alice_account = await world.account("alice@example.com")
    world.charlie_account = await world.account("charlie@example.com")
    await world.grant(world.alice_account, world.alice, relationship="self")
    await world.grant(world.alice_account, world.bob)
    await world.grant(world.charlie_account, world.charlie, relationship="self")
    await _staff(world)
    return world


async def _staff(world: World) -> None:
    await world.member(
        world.dana, email="dana@clinique.example", first_name="Dana", last_name="Fortin"
    )
    await world.member(
        world.erin,
        email="erin@clinique.example",
        first_name="Erin",
        last_name="Roy",
        role=Role.PRACTITIONER,
        practitioner=world.practitioner,
    )
    await world.member(
        world.fay,
        email="fay@clinique.example",
        first_name="Fay",
        last_name="Blais",
        role=Role.ADMINISTRATOR,
    )


async def _clinic(world: World) -> None:
    await Clinic.insert(
        Clinic(
            id=world.clinic,
            name="Clinique des Érables",
            phone="+15145550142",
            email="info@clinique.example",
            address="1224, rue Ontario Est, Montréal",
            province="QC",
            time_zone=ZONE.key,
            consent_age=14,
            mail_sender_name="Clinique des Érables",
        )
    )
    await TermsVersion.insert(
        TermsVersion(
            id=world.terms,
            number=1,
            text_fr="# Termes\n\nLisez.",
            text_en="# Terms\n\nRead.",
            published_at=world.now - timedelta(days=400),
        )
    )
    await DisclaimerVersion.insert(
        DisclaimerVersion(
            id=world.disclaimer,
            number=1,
            text_fr="La messagerie ne remplace pas une consultation.",
            text_en="Messages do not replace a visit.",
            published_at=world.now - timedelta(days=400),
        )
    )
    await Team.insert(Team(id=world.team, name_fr="Accueil", name_en="Front desk"))
    await Specialty.insert(
        Specialty(id=world.specialty, name_fr="Médecine de famille", name_en="Family medicine")
    )
    await Site.insert(
        Site(
            id=world.site,
            name="Clinique des Érables",
            street="1224, rue Ontario Est",
            city="Montréal",
            province="QC",
            postal_code="H2L 1S6",
            phone="+15145550142",
        )
    )
    await Practitioner.insert(
        Practitioner(
            id=world.practitioner,
            title="Dre",
            first_name="Camille",
            last_name="Roy",
            specialty=world.specialty,
            room_url="https://visio.example/roy",
        )
    )
    await VisitType.insert(
        VisitType(
            id=world.visit_type,
            name_fr="Suivi",
            name_en="Follow-up",
            minutes=15,
            message_fr="Apportez votre carte.",
            message_en="Bring your card.",
        ),
        VisitType(
            id=world.urgent_type,
            name_fr="Accès adapté",
            name_en="Same-day access",
            minutes=15,
            is_urgent=True,
        ),
    )
    await Schedule.insert(
        Schedule(id=world.schedule, practitioner=world.practitioner, site=world.site)
    )
    for visit_type in (world.visit_type, world.urgent_type):
        await ScheduleVisitType.insert(
            ScheduleVisitType(id=uuid4(), schedule=world.schedule, visit_type=visit_type)
        )
