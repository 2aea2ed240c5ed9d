"""What deploy/ holds: its units are sound and closed, its variables are ones that we read."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.routes import HTTPRoute

from domain import clock
from domain.config import Settings
from web.app import create_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
MOST_EXPOSED = 1.5
"""Of 10, as systemd counts: the services talk to the network and to little else."""
READ = re.compile(r"""["']([A-Z][A-Z_]+)["']""")
OF_OTHERS = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
OF_STORE = {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def known() -> set[str]:
    sources = (ROOT / "domain/config.py", ROOT / "piccolo_conf.py")
    names = {name for source in sources for name in READ.findall(source.read_text())}
    return names | {f"{name}_FILE" for name in names} | OF_OTHERS | OF_STORE


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """As they would be installed, with programs that are here."""
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/portal/.venv/bin/python", "/bin/true")
        name = path.name.replace("@.", "@8001.")
        (tmp_path / name).write_text(text)
    return tmp_path


def said(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    names = [f"./{path.name}" for path in units.iterdir() if path.suffix != ""]
    assert len(names) == 5
    assert said("systemd-analyze", "verify", *sorted(names), folder=units) == ""


@pytest.mark.parametrize("service", [path.name.replace("@.", "@8001.") for path in SERVICES])
def test_the_services_may_do_little_else(service: str, units: Path) -> None:
    threshold = f"--threshold={int(MOST_EXPOSED * 10)}"
    said("systemd-analyze", "security", "--offline=true", threshold, f"./{service}", folder=units)


def test_the_settings_in_the_examples_are_read() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "portal.env").read_text(), re.MULTILINE))
    for service in SERVICES:
        for line in re.findall(r"^Environment=(.+)$", service.read_text(), re.MULTILINE):
            named |= {each.partition("=")[0] for each in line.split()}
    container = (DEPLOY / "container/Containerfile").read_text()
    named |= set(re.findall(r"([A-Z_]+)=", re.findall(r"^ENV (.+)$", container, re.MULTILINE)[0]))
    assert named >= {"PUBLIC_URL", "DATABASE_URL", "DATA_DIR"}
    assert named - known() == set()


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    return read


def test_the_compose_file_names_what_is_there() -> None:
    read = compose()
    ours = [service for service in read["services"].values() if service.get("image") == "portal"]
    assert len(ours) == 5
    for service in ours:
        assert set(service["environment"]) - known() == set()
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    for service in read["services"].values():
        assert set(service.get("secrets", [])) <= set(read["secrets"])
        assert set(service["networks"]) <= set(read["networks"])
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert {name for name in mounted if "/" not in name} <= set(read["volumes"])
        assert set(service.get("depends_on", [])) <= set(read["services"])
    assert (DEPLOY / "proxy/Caddyfile").exists()


def test_no_password_stands_in_the_compose_file_and_only_the_proxy_is_reached() -> None:
    text, read = (DEPLOY / "container/compose.yaml").read_text(), compose()
    assert "PASSWORD:" not in text.replace("PASSWORD_FILE:", "")
    assert [name for name, each in read["services"].items() if "ports" in each] == ["proxy"]
    assert read["services"]["database"]["networks"] == ["inside"]
    assert read["networks"]["inside"] == {"internal": True}


def test_the_backup_key_is_for_backups_alone() -> None:
    services = compose()["services"]
    for name, service in services.items():
        told = {*service.get("secrets", []), *service.get("environment", {})}
        has_key = told & {"backup-key", "PORTAL_BACKUP_KEY_FILE"}
        assert len(has_key) == (2 if name == "backup" else 0)
    assert "BACKUP_KEY" not in (DEPLOY / "portal.env").read_text()
    for unit in SERVICES:
        text = unit.read_text()
        is_backup = unit.stem == "portal-backup"
        assert ("PORTAL_BACKUP_KEY_FILE=/etc/portal/backup-key" in text) is is_backup
        assert ("InaccessiblePaths=-/etc/portal/backup-key" in text) is not is_backup


def test_the_proxies_let_through_what_is_sent_where_and_little_more() -> None:
    app = create_app(Settings("https://portail.example", (KEY,), Path("/nowhere")), clock.now).app
    sizes = {
        (path, handler.resolve_request_max_body_size())
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for path in handler.paths
        if "POST" in handler.http_methods
    }
    nginx = (DEPLOY / "proxy/nginx.conf").read_text()
    caddy = (DEPLOY / "proxy/Caddyfile").read_text()
    (place,) = set(re.findall(r"(\^/clinique\S+\$)", nginx + caddy))
    for config, unit in ((nginx, ("m", "k")), (caddy, ("MiB", "KiB"))):
        with_files, without = f" 51{unit[0]}", f" 320{unit[1]}"
        assert (config.count(with_files), config.count(without)) == (1, 1)
    for path, size in sizes:
        has_files = re.fullmatch(place, path) is not None
        assert size <= (51 * 2**20 if has_files else 320 * 2**10), path
        assert (size > 320 * 2**10) is has_files, path
    assert len([path for path, _ in sizes if re.fullmatch(place, path)]) == 3


def test_the_container_runs_what_is_locked_as_nobody_in_particular() -> None:
    text = (DEPLOY / "container/Containerfile").read_text()
    copied = set(re.findall(r"^COPY ([a-z_.]+) ", text, re.MULTILINE))
    assert copied == {
        "requirements.lock",
        "piccolo_conf.py",
        *("domain", "jobs", "operations", "web", "templates", "static", "locale"),
    }
    assert "--require-hashes" in text
    assert "--no-cache-dir" in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
