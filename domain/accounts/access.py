"""Who may act for whom: given, taken back, agreed to. Each act with its author and its mails."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from domain import activity, audit, db, receipts
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.errors import (
    AlreadyHeld,
    ChangedMeanwhile,
    ChartTaken,
    Invalid,
    NotAllowed,
    NotFound,
)
from domain.mail import outbox
from domain.people import access_blocks, policy
from domain.people.coming_of_age import is_of_age
from domain.people.policy import Grant
from domain.people.tables import Account, Patient, ProxyConsent, ProxyGrant
from domain.people.viewer import Viewer

ENTRIES = {"granted": "access_given", "withdrawn": "access_withdrawn"}
RELATIONSHIPS = ("self", "parent", "guardian", "caregiver", "other")
HOW_GIVEN = ("spoken", "written")
BY_THE_PERSON = "self"
"""In `withdrawn_by`: the patient themself, from their own account."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A person of age agreed: who wrote it down, how it was given, and until when it holds."""

    recorded_by: str
    how: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Someone who holds a person's profile."""

    grant: UUID
    account: UUID
    name: str
    """Empty where the clinic knows none."""
    relationship: str
    granted_at: datetime
    grants: frozenset[Grant]
    until: datetime | None
    """When the person's consent ends."""
    is_lost: bool


async def grant(
    actor: Actor,
    account: UUID,
    patient: UUID,
    *,
    relationship: str,
    grants: Collection[Grant],
    by: str,
    consent: Consent | None = None,
    now: datetime,
) -> UUID:
    """Attach a profile. A person of age must have agreed to it."""
    await _check_may_grant(account, patient, relationship, consent, now)
    is_other = relationship != "self"
    made = uuid4()
    given = policy.whole(grants)
    flags: dict[str, Any] = {f"may_{each}": each in given for each in Grant}
    async with db.transaction():
        await db.lock_row(Patient, patient)
        await access_blocks.check(account, patient, is_own=not is_other)
        await _insert(
            ProxyGrant(
                id=made,
                account=account,
                patient=patient,
                relationship=relationship,
                granted_at=now,
                granted_by=by[:120],
                **flags,
            )
        )
        await receipts.hand_over(account, patient)
        if consent is not None:
            await _record_consent(actor, made, patient, consent, now)
        if not is_other:  # that someone has an account is told to nobody else
            await audit.record(actor, "chart.attached", patient=patient, subject=made, at=now)
        else:
            await _tell(actor, "granted", made, patient, now)
            await _write("access_granted", made, account, patient, now)
    return made


async def change_grants(
    actor: Actor,
    grant: UUID,
    grants: Collection[Grant],
    *,
    seen: Collection[Grant] | None = None,
    consent: Consent | None = None,
    now: datetime,
) -> None:
    """What a holder may do from now on. `seen`: as it was when this was decided.

    Of a person of age nothing is added without their agreeing anew.
    """
    async with db.transaction():
        held = await _held(grant)
        before, wanted = _grants(held), policy.whole(grants)
        if wanted == before:
            return
        if seen is not None and before != policy.whole(seen):
            raise ChangedMeanwhile
        is_more = not wanted <= before
        person = await Patient.objects().get(Patient.id == held["patient"])
        if person is not None and is_more and consent is None:
            await _check_is_child(person, now)
        flags: dict[Any, Any] = {f"may_{each}": each in wanted for each in Grant}
        await ProxyGrant.update(flags).where(ProxyGrant.id == grant)
        patient = held["patient"]
        if is_more and consent is not None:
            await _end_consent(grant, now)
            await _record_consent(actor, grant, patient, consent, now)
            await ProxyGrant.update({ProxyGrant.lost_at: None}).where(ProxyGrant.id == grant)
        await audit.record(actor, "access.changed", patient=patient, subject=grant, at=now)
        if is_more:
            await tell_given(grant, held["account"], patient, now=now)


async def withdraw(
    actor: Actor, grant: UUID, *, by: str, why: str = "", quietly: bool = False, now: datetime
) -> None:
    """Take a profile back, with any consent; the next request already finds it gone.

    `why` is a word of the journal, and never told; `quietly`, nor is that it ended.
    """
    outcome = f"done.{why}" if why else "done"
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE proxy_grant SET withdrawn_at = {}, withdrawn_by = {}
            WHERE id = {} AND withdrawn_at IS NULL RETURNING account, patient, relationship
            """,
            now,
            by[:120],
            grant,
        )
        if not rows:
            raise NotFound
        row = rows[0]
        await _end_consent(grant, now)
        if row["relationship"] == "self":
            patient = row["patient"]
            await audit.record(
                actor, "chart.detached", patient=patient, subject=grant, outcome=outcome, at=now
            )
        elif quietly:
            patient = row["patient"]
            await audit.record(
                actor, "access.withdrawn", patient=patient, subject=grant, outcome=outcome, at=now
            )
        else:
            await _tell(actor, "withdrawn", grant, row["patient"], now, outcome=outcome)
            await _write("access_withdrawn", grant, row["account"], row["patient"], now)


async def record_consent(actor: Actor, grant: UUID, consent: Consent, *, now: datetime) -> None:
    """The newest counts, in place of an earlier one."""
    async with db.transaction():
        held = await _held(grant)
        was_lost = await _is_lost(grant, now)
        await _end_consent(grant, now)
        patient = held["patient"]
        await _record_consent(actor, grant, patient, consent, now)
        await ProxyGrant.update({ProxyGrant.lost_at: None}).where(ProxyGrant.id == grant)
        if was_lost:
            await tell_given(grant, held["account"], patient, now=now)


async def tell_given(grant: UUID, account: UUID, patient: UUID, *, now: datetime) -> None:
    """An access that is given, or open again, is told to everyone concerned."""
    await activity.tell(patient, "access_given", grant, about=now, now=now)
    await _write("access_granted", grant, account, patient, now)


async def withdraw_consent(actor: Actor, grant: UUID, *, now: datetime) -> None:
    async with db.transaction():
        held = await _held(grant)
        if not await _end_consent(grant, now):
            raise NotFound
        patient = held["patient"]
        await audit.record(actor, "consent.withdrawn", patient=patient, subject=grant, at=now)
        if await _is_lost(grant, now):
            await ProxyGrant.update({ProxyGrant.lost_at: now}).where(ProxyGrant.id == grant)
            await activity.tell(patient, "access_withdrawn", grant, about=now, now=now)
            await _write("access_withdrawn", grant, held["account"], patient, now)


async def withdraw_own(viewer: Viewer, patient: UUID, grant: UUID, *, now: datetime) -> None:
    """« Retirer l’accès », by the person whose profile it is; pressed twice, it is done once."""
    profile = viewer.own(patient, now)
    if await _was_withdrawn_here(grant, profile.id):
        return
    await holder(viewer, patient, grant, now=now)
    await withdraw(viewer.actor, grant, by=BY_THE_PERSON, now=now)


async def holders(viewer: Viewer, patient: UUID, *, now: datetime) -> list[Holder]:
    """Who acts for this person; told to nobody but them."""
    profile = viewer.own(patient, now)
    rows = await db.fetch(
        """
        SELECT g.id, g.account, g.relationship, g.granted_at, g.may_book, g.may_read_invoices,
               g.may_read_documents, g.may_read_messages, g.may_send_messages,
               pc.id AS consent, pc.until
        FROM proxy_grant g
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.patient = {} AND g.withdrawn_at IS NULL AND g.relationship <> 'self'
        ORDER BY g.granted_at, g.id
        """,
        profile.id,
    )
    names = await names_of_holders(profile.id)
    return [
        Holder(
            grant=row["id"],
            account=row["account"],
            name=names.get(row["account"], ""),
            relationship=row["relationship"],
            granted_at=row["granted_at"],
            grants=_grants(row),
            until=row["until"],
            is_lost=policy.is_lost(HeldRow(profile.birth_date, row), viewer.clinic, now),
        )
        for row in rows
    ]


async def holder(viewer: Viewer, patient: UUID, grant: UUID, *, now: datetime) -> Holder:
    """One whose access this person may end."""
    profile = viewer.own(patient, now)
    if not viewer.may_end_access(profile, now):
        raise NotAllowed
    for found in await holders(viewer, patient, now=now):
        if found.grant == grant:
            return found
    raise NotFound


async def names_of_holders(patient: UUID) -> dict[UUID, str]:
    """Of the accounts that hold this profile or held it: their own profile's, else as signed up."""
    rows = await db.fetch(
        """
        SELECT DISTINCT h.account, coalesce(p.first_name, r.first_name, '') AS first_name,
               coalesce(p.last_name, r.last_name, '') AS last_name
        FROM proxy_grant h
        LEFT JOIN proxy_grant s
          ON s.account = h.account AND s.relationship = 'self' AND s.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = s.patient
        LEFT JOIN registration r ON r.account = h.account
        WHERE h.patient = {}
        """,
        patient,
    )
    return {row["account"]: f"{row['first_name']} {row['last_name']}".strip() for row in rows}


async def _was_withdrawn_here(grant: UUID, patient: UUID) -> bool:
    return await ProxyGrant.exists().where(
        (ProxyGrant.id == grant)
        & (ProxyGrant.patient == patient)
        & (ProxyGrant.withdrawn_by == BY_THE_PERSON)
        & ProxyGrant.withdrawn_at.is_not_null()
    )


async def readers(
    patients: Collection[UUID], clinic: ClinicSettings, *, now: datetime
) -> dict[UUID, frozenset[Grant]]:
    """Of each of these patients, what at least one account that is in use may do now."""
    rows = await db.fetch(
        f"""
        SELECT g.*, p.birth_date, pc.id AS consent, pc.until
        FROM proxy_grant g JOIN patient p ON p.id = g.patient JOIN account a ON a.id = g.account
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.patient IN ({db.places(patients)}) AND g.withdrawn_at IS NULL
          AND a.activated_at IS NOT NULL AND a.disabled_at IS NULL
        """,
        *patients,
    )
    found: dict[UUID, frozenset[Grant]] = {}
    for row in rows:
        held = HeldRow(row["birth_date"], row)
        given = frozenset() if policy.is_lost(held, clinic, now) else _grants(row)
        found[row["patient"]] = found.get(row["patient"], frozenset()) | given
    return found


class HeldRow:
    """A row of a grant, as the policy looks at it."""

    def __init__(self, birth_date: date, row: Mapping[str, Any]) -> None:
        self.id: UUID = row["id"]
        self.birth_date = birth_date
        self.relationship: str = row["relationship"]
        self.is_own = row["relationship"] == "self"
        self.has_consent = row["consent"] is not None
        self.consent_until: datetime | None = row["until"]
        self.grants: frozenset[Grant] = frozenset()


async def _check_may_grant(
    account: UUID, patient: UUID, relationship: str, consent: Consent | None, now: datetime
) -> None:
    person = await Patient.objects().get(Patient.id == patient)
    holder = await Account.objects().get(Account.id == account)
    if person is None or holder is None:
        raise NotFound
    if holder.activated_at is None:
        raise Invalid({"compte": "not_activated"})  # nobody proved that the address is theirs
    if relationship not in RELATIONSHIPS:
        raise Invalid({"lien": "invalid"})
    if relationship != "self" and consent is None:
        await _check_is_child(person, now)


async def _check_is_child(person: Patient, now: datetime) -> None:
    if is_of_age(person.birth_date, await current_settings(), now):
        raise Invalid({"consentement": "missing"})


async def _insert(made: ProxyGrant) -> None:
    try:
        await ProxyGrant.insert(made)
    except Exception as error:
        if db.conflict_kind(error) == "unique":
            raise (ChartTaken if made.relationship == "self" else AlreadyHeld) from error
        raise


async def _record_consent(
    actor: Actor, grant: UUID, patient: UUID, consent: Consent, now: datetime
) -> None:
    if consent.until is not None and consent.until <= now:
        raise Invalid({"jusqu_au": "past"})
    if consent.how not in HOW_GIVEN:
        raise Invalid({"comment": "missing"})
    await ProxyConsent.insert(
        ProxyConsent(
            id=uuid4(),
            grant=grant,
            recorded_by=consent.recorded_by[:120],
            how_given=consent.how,
            recorded_at=now,
            until=consent.until,
        )
    )
    outcome = f"done.{consent.how}"
    await audit.record(
        actor, "consent.recorded", patient=patient, subject=grant, outcome=outcome, at=now
    )


async def _end_consent(grant: UUID, now: datetime) -> bool:
    return bool(
        await db.fetch(
            'UPDATE proxy_consent SET withdrawn_at = {} WHERE "grant" = {}'
            " AND withdrawn_at IS NULL RETURNING id",
            now,
            grant,
        )
    )


async def _held(grant: UUID) -> dict[str, Any]:
    await db.lock_row(ProxyGrant, grant)
    rows = await db.fetch(
        """
        SELECT account, patient, may_book, may_read_invoices, may_read_documents,
               may_read_messages, may_send_messages
        FROM proxy_grant WHERE id = {} AND withdrawn_at IS NULL AND relationship <> 'self'
        """,
        grant,
    )
    if not rows:
        raise NotFound
    return rows[0]


def _grants(row: Mapping[str, Any]) -> frozenset[Grant]:
    return policy.whole(each for each in Grant if row[f"may_{each}"])


async def _is_lost(grant: UUID, now: datetime) -> bool:
    (row,) = await db.fetch(
        """
        SELECT g.id, g.relationship, p.birth_date, pc.id AS consent, pc.until
        FROM proxy_grant g JOIN patient p ON p.id = g.patient
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.id = {}
        """,
        grant,
    )
    return policy.is_lost(HeldRow(row["birth_date"], row), await current_settings(), now)


async def _tell(
    actor: Actor, verb: str, grant: UUID, patient: UUID, now: datetime, *, outcome: str = "done"
) -> None:
    await audit.record(
        actor, f"access.{verb}", patient=patient, subject=grant, outcome=outcome, at=now
    )
    await activity.tell(patient, ENTRIES[verb], grant, about=now, now=now)


async def _write(kind: str, grant: UUID, account: UUID, patient: UUID, now: datetime) -> None:
    """To the one concerned, and to the person whose profile it is."""
    owners = await db.fetch(
        "SELECT account FROM proxy_grant WHERE patient = {} AND relationship = 'self'"
        " AND withdrawn_at IS NULL",
        patient,
    )
    for each in {account, *(owner["account"] for owner in owners)}:
        await outbox.post(kind, each, now=now, patient=patient)
