"""Fixtures whose rows are written once a run: each test begins with a copy of them."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from inspect import signature
from typing import Any

import pytest

from tests.databases import Template

Make = Callable[..., Awaitable[Any]]

MAKERS: dict[str, Make] = {}
"""In the order in which they write, whatever the order in which a test names them."""


def kept(make: Make) -> Any:
    """A fixture of this name: the rows that it writes, and a copy of its own of what it returns.

    It may ask for those declared before it, and for fixtures of the whole session.
    """
    name = make.__name__
    MAKERS[name] = make

    @pytest.fixture(name=name)
    async def made(written: dict[str, Any]) -> Any:
        return written[name]

    return made


class Keeper:
    def __init__(self, template: Template) -> None:
        self.template = template
        self.made: dict[tuple[str, ...], dict[str, Any]] = {(): {}}

    async def prepare(self, request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
        """Which database to copy for this test, and what its fixtures are."""
        names: tuple[str, ...] = ()
        for name in (name for name in MAKERS if name in request.fixturenames):
            if (*names, name) not in self.made:
                await self.make(names, name, request)
            names = (*names, name)
        return "_".join(names), deepcopy(self.made[names])

    async def make(
        self, before: tuple[str, ...], name: str, request: pytest.FixtureRequest
    ) -> None:
        known = deepcopy(self.made[before])
        make = MAKERS[name]
        given = {
            parameter: known[parameter]
            if parameter in known
            else request.getfixturevalue(parameter)
            for parameter in signature(make).parameters
        }
        names = (*before, name)
        async with self.template.keep("_".join(names), of="_".join(before)):
            made = await make(**given)
        self.made[names] = known | {name: made}
