from domain import db
from domain.clinic.settings import CLINIC_COLUMNS, ClinicSettings
from domain.errors import NotFound


async def current_settings() -> ClinicSettings:
    rows = await db.fetch(f"SELECT {', '.join(CLINIC_COLUMNS)} FROM clinic")
    if not rows:
        raise NotFound
    return ClinicSettings.from_row(rows[0])
