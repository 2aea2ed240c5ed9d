"""Piccolo's two engines, without the faults its transactions have under load.

They rest on private parts of Piccolo 1.38; tests/domain/test_engines.py holds them to their word.
"""

from domain.engines.postgres import (
    CONNECTION_LOST,
    PostgresEngine,
    PostgresTransaction,
    answered_within,
    close,
)
from domain.engines.sqlite import SQLiteEngine, SQLiteTransaction

__all__ = [
    "CONNECTION_LOST",
    "PostgresEngine",
    "PostgresTransaction",
    "SQLiteEngine",
    "SQLiteTransaction",
    "answered_within",
    "close",
]
