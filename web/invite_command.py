"""`portal invite`: a patient whom the clinic knows, from the console."""

import argparse
from collections.abc import Sequence

from domain import clock
from domain.accounts import invitations
from domain.accounts.passwords import Passwords
from domain.audit import Actor
from domain.links import Links


async def invite(options: argparse.Namespace, keys: Sequence[str]) -> str:
    """The code to hand over."""
    return await invitations.invite(
        await invitations.patient_named(options.patient),
        options.email,
        options.language,
        Actor("console", None, "portal invite"),
        links=Links(keys),
        passwords=Passwords(),
        now=clock.now(),
        in_spite_of_proxy=options.in_spite_of_proxy,
    )
