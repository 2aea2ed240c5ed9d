from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

HERE = Path(__file__).parent

APP_CONFIG = AppConfig(
    app_name="portal",
    migrations_folder_path=str(HERE / "migrations"),
    table_classes=table_finder(
        [f"domain.{tables.parent.name}.tables" for tables in sorted(HERE.glob("*/tables.py"))],
        exclude_imported=True,
    ),
)
