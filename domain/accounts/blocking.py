"""The clinic keeps someone, or everyone but the patient, from acting for a patient.

Only the staff know of it, and why: to whoever is kept out it is an access taken back.
"""

from datetime import datetime
from uuid import UUID, uuid4

from domain import audit, db, texts
from domain.accounts import access
from domain.audit import Actor
from domain.errors import Conflict, Invalid, NotFound
from domain.people.tables import AccessBlock, Account, Patient

LONGEST_REASON = 500


async def block(
    actor: Actor,
    patient: UUID,
    account: UUID | None,
    *,
    reason: str,
    by: str,
    quietly: bool = False,
    now: datetime,
) -> UUID:
    """Ends at once what it is about. `quietly`: nobody is told that an access ended."""
    why = _read_reason(reason)
    made = uuid4()
    async with db.transaction():
        await db.lock_row(Patient, patient)
        await _check(patient, account)
        row = AccessBlock(
            id=made,
            patient=patient,
            account=account,
            reason=why,
            blocked_at=now,
            blocked_by=by[:120],
        )
        await _insert(row)
        await audit.record(actor, "block.set", patient=patient, subject=made, at=now)
        for grant in await _stopped(patient, account):
            await access.withdraw(actor, grant, by=by, quietly=quietly, now=now)
    return made


async def lift(actor: Actor, patient: UUID, block: UUID, *, by: str, now: datetime) -> None:
    """Gives nothing back: whoever acts for the patient from now on is granted it anew."""
    async with db.transaction():
        ended = await db.fetch(
            """
            UPDATE access_block SET ended_at = {}, ended_by = {}
            WHERE id = {} AND patient = {} AND ended_at IS NULL RETURNING id
            """,
            now,
            by[:120],
            block,
            patient,
        )
        if not ended:
            raise NotFound
        await audit.record(actor, "block.lifted", patient=patient, subject=block, at=now)


def _read_reason(text: str) -> str:
    reason = texts.read(text)
    if not reason:
        raise Invalid({"motif": "missing"})
    if len(reason) > LONGEST_REASON:
        raise Invalid({"motif": "too_long"})
    return reason


async def _check(patient: UUID, account: UUID | None) -> None:
    if not await Patient.exists().where(Patient.id == patient):
        raise NotFound
    if account is None:
        return
    if not await Account.exists().where(Account.id == account):
        raise NotFound
    own = await db.fetch(
        "SELECT id FROM proxy_grant WHERE patient = {} AND account = {}"
        " AND relationship = 'self' AND withdrawn_at IS NULL",
        patient,
        account,
    )
    if own:
        raise Invalid({"courriel": "own"})


async def _stopped(patient: UUID, account: UUID | None) -> list[UUID]:
    rows = await db.fetch(
        "SELECT id, account FROM proxy_grant WHERE patient = {} AND relationship <> 'self'"
        " AND withdrawn_at IS NULL",
        patient,
    )
    return [row["id"] for row in rows if account in (None, row["account"])]


async def _insert(row: AccessBlock) -> None:
    try:
        await AccessBlock.insert(row)
    except Exception as error:
        if db.conflict_kind(error) == "unique":
            raise Conflict from error
        raise
