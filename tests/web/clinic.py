"""More of the clinic than the small world has: a second answer to each step of the breadcrumb."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.clinic.tables import (
    Practitioner,
    Schedule,
    ScheduleVisitType,
    Site,
    Slot,
    Specialty,
    VisitType,
)
from tests.world import World


@dataclass(frozen=True)
class Wide:
    """Médecine de famille: Roy and Tran at both sites for two types; Dermatologie: Ali, one."""

    tran: UUID
    ali: UUID
    dermatology: UUID
    north: UUID
    """The second site."""
    physical: UUID
    """A second regular type, of 30 minutes."""
    urgent_too: UUID
    tran_here: UUID
    """Schedules: who and where."""
    tran_north: UUID
    roy_north: UUID
    ali_north: UUID


async def widen(world: World) -> Wide:
    wide = Wide(*(uuid4() for _ in range(10)))
    await Specialty.insert(
        Specialty(id=wide.dermatology, name_fr="Dermatologie", name_en="Dermatology", position=1)
    )
    await Site.insert(
        Site(
            id=wide.north,
            name="Clinique du Nord",
            street="5, rue du Pôle",
            city="Laval",
            province="QC",
            postal_code="H7A 1A1",
            phone="+14505550199",
            position=1,
        )
    )
    await VisitType.insert(
        VisitType(
            id=wide.physical,
            name_fr="Bilan",
            name_en="Check-up",
            minutes=30,
            position=1,
            message_fr="",
            message_en="",
        ),
        VisitType(
            id=wide.urgent_too,
            name_fr="Plaie",
            name_en="Wound",
            minutes=15,
            is_urgent=True,
            position=1,
            message_fr="",
            message_en="",
        ),
    )
    await Practitioner.insert(
        Practitioner(
            id=wide.tran, title="Dr", first_name="Hugo", last_name="Tran", specialty=world.specialty
        ),
        Practitioner(
            id=wide.ali, title="Dre", first_name="Nora", last_name="Ali", specialty=wide.dermatology
        ),
    )
    await Schedule.insert(
        Schedule(id=wide.tran_here, practitioner=wide.tran, site=world.site),
        Schedule(id=wide.tran_north, practitioner=wide.tran, site=wide.north),
        Schedule(id=wide.roy_north, practitioner=world.practitioner, site=wide.north),
        Schedule(id=wide.ali_north, practitioner=wide.ali, site=wide.north),
    )
    both = (world.visit_type, wide.physical, world.urgent_type, wide.urgent_too)
    await _open(world.schedule, wide.physical, wide.urgent_too)
    for schedule in (wide.tran_here, wide.tran_north, wide.roy_north):
        await _open(schedule, *both)
    await _open(wide.ali_north, world.visit_type)
    return wide


async def _open(schedule: UUID, *visit_types: UUID) -> None:
    for visit_type in visit_types:
        await ScheduleVisitType.insert(
            ScheduleVisitType(id=uuid4(), schedule=schedule, visit_type=visit_type)
        )


async def slots(
    world: World, starts_at: datetime, number: int, *, every: int = 15, schedule: UUID | None = None
) -> list[UUID]:
    """So many slots in a row."""
    of = await Schedule.objects().get(Schedule.id == (schedule or world.schedule))
    assert of is not None
    made = [
        Slot(
            id=uuid4(),
            schedule=of.id,
            practitioner=of.practitioner,
            site=of.site,
            starts_at=starts_at + n * timedelta(minutes=every),
            ends_at=starts_at + n * timedelta(minutes=every) + timedelta(minutes=15),
            minutes=15,
        )
        for n in range(number)
    ]
    await Slot.insert(*made)
    return [slot.id for slot in made]
