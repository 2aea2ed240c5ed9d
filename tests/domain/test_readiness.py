"""R10: what a clinic must have said of itself before the portal opens."""

import re
from collections.abc import Coroutine
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.clinic.clinic import current_settings
from domain.clinic.readiness import PROVINCES, missing_in
from domain.clinic.settings import LEGAL_AGES
from domain.errors import NotFound, Refusal
from domain.people.coming_of_age import may_sign_up
from tests.domain.values import clinic
from tests.world import NOW, World
from web import cli

READY = clinic()


def test_a_clinic_that_said_everything_may_open() -> None:
    assert missing_in(READY) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", " "),
        ("address", ""),
        ("phone", ""),
        ("email", ""),
        ("retention_years", 0),
        ("province", "Québec"),
        ("time_zone", "Montréal"),
        ("time_zone", ""),
        ("consent_age", None),
        ("consent_age", 11),
        ("consent_age", 20),
    ],
)
def test_each_setting_left_out_is_named_with_its_reason(setting: str, value: object) -> None:
    (told,) = missing_in(replace(READY, **{setting: value}))
    named, _, reason = told.partition(": ")
    assert (named, bool(reason)) == (setting, True)


def test_everything_left_out_is_told_at_once() -> None:
    nothing = replace(READY, name="", address="", consent_age=None)
    told = [line.partition(":")[0] for line in missing_in(nothing)]
    assert told == ["name", "address", "consent_age"]


@pytest.mark.parametrize("province", sorted(PROVINCES))
async def test_only_the_law_stands_in_for_the_age_of_consent(world: World, province: str) -> None:
    await world.set_clinic(province=province, consent_age=None)
    here = await current_settings()
    assert here.consent_age == LEGAL_AGES.get(province)
    assert (missing_in(here) == []) is (province in {"QC", "NB"})
    assert may_sign_up(date(1950, 1, 1), here, NOW) is (province in {"QC", "NB"})


async def test_a_clinic_may_have_another_age_than_the_law_s(world: World) -> None:
    await world.set_clinic(province="QC", consent_age=16)
    assert (await current_settings()).consent_age == 16


@pytest.mark.parametrize("command", ["serve", "jobs"])
@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        (READY, 0, ""),
        (
            replace(READY, province="ON", consent_age=None, phone=""),
            2,
            "The clinic lacks settings:\n"
            "phone: whom to call to see, correct or refuse it\n"
            "consent_age: from which age one consents to care alone, 12 to 19: the law of this"
            " province sets none, the clinic must\n",
        ),
        (
            NotFound(),
            0,
            "There is no clinic in the database yet. Within three days, open\n"
            "http://localhost:8000/clinique/installation/…\nor run `portal init`.\n",
        ),
    ],
)
def test_the_portal_starts_only_with_what_the_law_wants_told(
    command: str,
    found: Any,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def settings() -> Any:
        if isinstance(found, Refusal):
            raise found
        return found

    async def none() -> set[str]:
        return set()

    def without_database(work: Coroutine[Any, Any, Any]) -> Any:
        with pytest.raises(StopIteration) as ended:
            work.send(None)
        return ended.value.value

    started: list[str] = []
    monkeypatch.setenv("PORTAL_DEMO", "1")
    monkeypatch.setattr("web.starting.current_settings", settings)
    monkeypatch.setattr("domain.db.unknown_migrations", none)
    monkeypatch.setattr("domain.db.lacking_migrations", none)
    monkeypatch.setattr(cli, "_with_database", without_database)
    monkeypatch.setattr(cli, "run_module", lambda *_, **__: started.append("jobs"))
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: started.append("serve"))
    assert cli.main([command]) == code
    said = re.sub(r"(?<=installation/)\S+", "…", capsys.readouterr().err)
    assert said == told
    assert started == ([] if code else [command])
