"""The people of the pages' tests, for whom something goes wrong here."""

from tests.web.conftest import (
    alice,
    alice_signed_in,
    app,
    clock,
    kept_app,
    kept_clock,
    stranger,
)
from tests.web.staff.conftest import dana

__all__ = [
    "alice",
    "alice_signed_in",
    "app",
    "clock",
    "dana",
    "kept_app",
    "kept_clock",
    "stranger",
]
