import os
from pathlib import Path
from typing import Any

from domain.config import secret
from domain.engines import PostgresEngine, SQLiteEngine

url = secret("DATABASE_URL", os.environ)
folder = os.environ.get("DATA_DIR", "data")

DB: SQLiteEngine | PostgresEngine
DB = PostgresEngine(url) if url else SQLiteEngine(str(Path(folder, "portal.sqlite")))


def __getattr__(name: str) -> Any:
    """What migrations need brings a code formatter along: 8 MB that a server has no use for."""
    if name != "APP_REGISTRY":
        raise AttributeError(name)
    from piccolo.conf.apps import AppRegistry

    return AppRegistry(apps=["domain.piccolo_app"])
