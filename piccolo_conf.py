import os
from pathlib import Path

from piccolo.conf.apps import AppRegistry

from domain.config import secret
from domain.engines import PostgresEngine, SQLiteEngine

url = secret("DATABASE_URL", os.environ)
folder = os.environ.get("DATA_DIR", "data")

DB: SQLiteEngine | PostgresEngine
DB = PostgresEngine(url) if url else SQLiteEngine(str(Path(folder, "portal.sqlite")))

APP_REGISTRY = AppRegistry(apps=["domain.piccolo_app"])
