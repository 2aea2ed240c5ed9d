"""Who acts for Alice, who is kept from it, and what she asked of the clinic."""

from uuid import UUID, uuid4

from domain.accounts.tables import ClinicRequest
from domain.people.tables import AccessBlock
from tests.world import World


async def helper(world: World) -> UUID:
    """Someone's access to Alice's profile, with her agreement."""
    account = await world.account(f"{uuid4().hex}@example.com")
    grant = await world.grant(account, world.alice, "book", relationship="caregiver")
    await world.consent(grant)
    return grant


async def blocked(world: World) -> UUID:
    """Somebody else is kept from acting for Alice."""
    row = AccessBlock(
        id=uuid4(),
        patient=world.alice,
        account=await world.account(f"{uuid4().hex}@example.com"),
        reason="MREASON",
        blocked_at=world.now,
        blocked_by="Dana Fortin",
    )
    await AccessBlock.insert(row)
    return row.id


async def request(
    world: World,
    kind: str = "correct",
    *,
    patient: UUID | None = None,
    account: UUID | None = None,
    subject: UUID | None = None,
    text: str = "Mon nom s’écrit Gagné.",
) -> UUID:
    """Of Alice's, about herself."""
    row = ClinicRequest(
        id=uuid4(),
        account=account or world.alice_account,
        patient=None if kind == "attach" else patient or world.alice,
        kind=kind,
        text=text,
        subject=subject,
        asked_at=world.now,
    )
    await ClinicRequest.insert(row)
    return row.id
