"""What is looked at before the portal starts, and refused."""

from domain import clock, db
from domain.clinic import readiness
from domain.clinic.clinic import current_settings
from domain.config import BadConfiguration, Settings
from domain.errors import NotFound
from domain.links import Links
from web import first_run


async def check(settings: Settings) -> str:
    """What to tell whoever started it, if there is anything; raises `BadConfiguration`."""
    await _check_schema()
    return await _check_clinic(settings)


async def _check_schema() -> None:
    """Before anything reads a table: of another version's tables, nobody knows what they mean."""
    if await db.unknown_migrations():
        raise BadConfiguration(
            "The database is of a newer version of the portal: start that one,"
            " or restore a backup of this one's."
        )
    if await db.lacking_migrations():
        raise BadConfiguration("The database is not up to date: run `portal migrate`.")


async def _check_clinic(settings: Settings) -> str:
    """What the clinic left out is told before anyone is let in; an empty installation runs.

    It has no clinic to sign up with: its pages say so.
    """
    try:
        missing = readiness.missing_in(await current_settings())
    except NotFound:
        path = first_run.browser_path(Links(settings.keys), clock.now())
        return (
            "There is no clinic in the database yet. Within three days, open\n"
            f"{settings.public_url}{path}\nor run `portal init`.\n"
        )
    if missing:
        raise BadConfiguration("\n".join(["The clinic lacks settings:", *missing]))
    return ""
