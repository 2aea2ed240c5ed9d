"""Which mails an account wants about a profile. Those about the account itself are always sent."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID, uuid4

from domain import audit, db
from domain.audit import Actor
from domain.errors import LinkDead, NotAllowed, NotFound
from domain.links import Links, UnsubscribeLink
from domain.people import viewer as viewers
from domain.people.viewer import Profile, Viewer

CLASSES = ("appointment", "notification")


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """What a live link to unsubscribe is about, as its account would see it."""

    viewer: Viewer
    profile: Profile
    mail_class: str
    is_refused: bool

    @classmethod
    async def of(cls, token: str, links: Links, *, request_id: str, now: datetime) -> Self:
        link = links.read_unsubscribe(token, now)
        try:
            viewer = await viewers.load(link.account, via="mail_link", request_id=request_id)
            profile = viewer.opening(link.patient, now)
        except (NotFound, NotAllowed) as gone:
            raise LinkDead from gone
        if link.mail_class not in CLASSES:
            raise LinkDead
        refused = await refused_classes(link.account, link.patient)
        return cls(viewer, profile, link.mail_class, link.mail_class in refused)

    async def refuse(self, *, now: datetime) -> None:
        """Once or many times, it is the same."""
        await _set(self.viewer.actor, self.profile.id, {self.mail_class}, set(), now=now)

    async def resume(self, *, now: datetime) -> None:
        await _set(self.viewer.actor, self.profile.id, set(), {self.mail_class}, now=now)


async def refused_classes(account: UUID, patient: UUID) -> frozenset[str]:
    rows = await db.fetch(
        "SELECT mail_class FROM mail_preference WHERE account = {} AND patient = {}",
        account,
        patient,
    )
    return frozenset(row["mail_class"] for row in rows)


async def refusals(patients: Collection[UUID], mail_class: str) -> frozenset[tuple[UUID, UUID]]:
    """Each account with the patient about whom it is not to be written to in this class."""
    rows = await db.fetch(
        f"""
        SELECT account, patient FROM mail_preference
        WHERE mail_class = {{}} AND patient IN ({db.places(patients)})
        """,
        mail_class,
        *patients,
    )
    return frozenset((row["account"], row["patient"]) for row in rows)


async def choose(viewer: Viewer, patient: UUID, wanted: Set[str], *, now: datetime) -> None:
    """This account's own choice; another's of the same profile stays as it is."""
    profile = viewer.opening(patient, now)
    await _set(viewer.actor, profile.id, set(CLASSES) - wanted, set(CLASSES) & wanted, now=now)


def token_of(links: Links, account: UUID, patient: UUID, mail_class: str, now: datetime) -> str:
    return links.sign_unsubscribe(UnsubscribeLink(account, patient, mail_class), now)


async def _set(
    actor: Actor, patient: UUID, refused: Set[str], wanted: Set[str], *, now: datetime
) -> None:
    async with db.transaction():
        for mail_class in sorted(refused):
            await _refuse(actor, patient, mail_class, now)
        for mail_class in sorted(wanted):
            await _resume(actor, patient, mail_class)
        await audit.record(actor, "mail_preferences.changed", patient=patient, at=now)


async def _refuse(actor: Actor, patient: UUID, mail_class: str, now: datetime) -> None:
    await db.fetch(
        """
        INSERT INTO mail_preference (id, account, patient, mail_class, refused_at)
        VALUES ({}, {}, {}, {}, {}) ON CONFLICT (account, patient, mail_class) DO NOTHING
        """,
        uuid4(),
        actor.id,
        patient,
        mail_class,
        now,
    )


async def _resume(actor: Actor, patient: UUID, mail_class: str) -> None:
    await db.fetch(
        "DELETE FROM mail_preference WHERE account = {} AND patient = {} AND mail_class = {}",
        actor.id,
        patient,
        mail_class,
    )
