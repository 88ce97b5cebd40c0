"""What deploy/clamd promises, read as data: the scanner has no more rights than the other services."""

import re
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

PROJECT = Path(__file__).resolve().parent.parent.parent
FOLDER = PROJECT / "deploy/clamd"
MAIN: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "docker-compose.yml").read_text())
CLAMD = COMPOSE["services"]["clamd"]


def test_the_scanner_is_no_more_than_a_scanner() -> None:
    assert CLAMD["read_only"] is True
    assert CLAMD["cap_drop"] == ["ALL"]
    assert CLAMD["security_opt"] == ["no-new-privileges:true"]
    assert int(CLAMD["user"].partition(":")[0]) > 0
    assert not {"ports", "secrets", "environment", "privileged", "cap_add", "network_mode"} & set(CLAMD)
    assert {"mem_limit", "cpus", "pids_limit", "healthcheck"} <= set(CLAMD)


def test_only_web_and_worker_reach_the_scanner_and_it_reaches_nothing_of_ours() -> None:
    networks = {name: service["networks"] for name, service in COMPOSE["services"].items()}
    assert set(networks["clamd"]) == {"scan", "signatures"}
    for name in ("web", "worker"):
        assert networks[name] == [*MAIN["services"][name]["networks"], "scan"]
    assert set(networks) == {"clamd", "web", "worker"}
    assert COMPOSE["networks"]["scan"] == {"internal": True}
    for name in ("web", "worker"):
        assert MAIN["services"][name]["environment"]["CLAMD_ADDRESS"] == "${CLAMD_ADDRESS:-}"


def test_the_scanner_takes_what_the_application_takes() -> None:
    text = (FOLDER / "clamd.conf").read_text()
    for name in ("StreamMaxLength", "MaxFileSize"):
        found = re.search(rf"^{name} (\d+)M$", text, re.M)
        assert found
        # what is kept of a PDF may be twice what came
        assert int(found[1]) * 1024**2 > 2 * settings.RECEIPT_MOST_BYTES
    assert "TCPSocket 3310" in text
    assert "clamd:3310" in (PROJECT / "deploy/example.env").read_text()


def test_every_file_of_the_image_is_there() -> None:
    copied = re.search(r"^COPY (.+) /etc/clamav/$", (FOLDER / "Dockerfile").read_text(), re.M)
    assert copied
    for name in copied[1].split():
        assert (FOLDER / name).is_file()
