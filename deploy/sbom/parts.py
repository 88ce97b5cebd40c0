"""The pieces of production, read from the files that decide about them: locked requirements, vendored files, images."""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

PROJECT = Path(__file__).resolve().parents[2]
VENDORED = "deploy/sbom/vendored.csv"

# Where the application runs: markers of the lock file are read for this machine, not for the one at hand.
PRODUCTION = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.12.0",
    "python_version": "3.12",
    "sys_platform": "linux",
}
_PIN = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)(?: ; ([^\\\n]+?))?\s*\\?$((?:\n    --hash=sha256:[0-9a-f]{64}\s*\\?)*)",
    re.M,
)
_DEBIAN = {"trixie": "13"}


class Wrong(Exception):
    """Something about the pieces isn't as it must be; the text says what and what to do."""


@dataclass(frozen=True)
class Piece:
    """One piece: `kind` library, file or platform; `hashes` SHA-256 of what is installed or delivered."""

    name: str
    version: str
    kind: str
    origin: str
    hashes: tuple[str, ...] = ()


def pieces(project: Path = PROJECT) -> list[Piece]:
    """Everything in production, by kind and name. Wrong when a vendored file isn't the one that was noted."""
    found = [*libraries(project), *vendored(project), *platforms(project)]
    return sorted(found, key=lambda piece: (piece.kind, piece.name))


def libraries(project: Path) -> Iterator[Piece]:
    """The Python packages the image installs, with the digests the installation accepts."""
    text = (project / "requirements/base.txt").read_text(encoding="utf-8")
    for name, version, marker, hashes in _PIN.findall(text):
        if not marker or Marker(marker).evaluate(PRODUCTION):
            yield Piece(name, version, "library", "PyPI", tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes)))


def vendored(project: Path) -> Iterator[Piece]:
    """Files of others that are part of the product: scripts, styles, fonts. Each must be as noted with its version."""
    noted: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _rows(project / VENDORED):
        noted.setdefault((row["component"], row["version"]), []).append(row)
    known = {row["file"] for rows in noted.values() for row in rows}
    for file in _vendored_files(project):
        if file not in known:
            raise Wrong(f"{file} が {VENDORED} にありません。版とライセンスを確かめて、行を加えてください。")
    for (name, version), rows in noted.items():
        for row in rows:
            _refuse_changed(project, row)
        yield Piece(name, version, "file", rows[0]["file"], tuple(row["sha256"] for row in rows))


def _vendored_files(project: Path) -> list[str]:
    """Every file of others there is, but their licences and our notes on the version."""
    found = [*project.glob("static/vendor/*/*"), *project.glob("core/documents/fonts/*.ttf")]
    names = [path.relative_to(project).as_posix() for path in found]
    return sorted(name for name in names if not name.endswith(("/LICENSE", "/VERSION")))


def _refuse_changed(project: Path, row: dict[str, str]) -> None:
    path = project / row["file"]
    if not path.is_file():
        raise Wrong(f"{row['file']} がありません。{VENDORED} の行を消すか、ファイルを戻してください。")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    note = path.parent / "VERSION"
    stated = (
        note.read_text(encoding="utf-8").splitlines()[0].split()[-1] if note.is_file() else row["version"]
    )
    if digest != row["sha256"]:
        raise Wrong(
            f"{row['file']} が版 {row['version']} のものと違います。元のファイルに戻すか、新しい版なら"
            f" VERSION と {VENDORED} の版と SHA-256（{digest}）を直してください。"
        )
    if stated != row["version"]:
        raise Wrong(
            f"{note.relative_to(project)} の版 {stated} と {VENDORED} の版 {row['version']} が違います。"
        )


def platforms(project: Path) -> Iterator[Piece]:
    """What the images bring, by release line: the images' tags are the one place that says so."""
    texts = [
        (project / name).read_text(encoding="utf-8")
        for name in ("Dockerfile", "docker-compose.yml", "deploy/clamd/Dockerfile")
    ]
    images = set(
        re.findall(r"^(?:ARG \w+_IMAGE=|FROM |    image: )([a-z]+):([a-z0-9.-]+)$", "\n".join(texts), re.M)
    )
    names = {"postgres": "postgresql", "redis": "redis-server"}
    found: dict[str, set[str]] = {}
    for image, tag in images:
        if image.startswith("dispatch-office"):
            continue
        version, _, release = tag.partition("-")
        release = release.removeprefix("slim-") or version
        if image == "debian":
            release = tag.removesuffix("-slim")
        else:
            found.setdefault(names.get(image, image), set()).add(version)
        if release not in _DEBIAN:
            raise Wrong(
                f"イメージ {image}:{tag} の Debian の版が分かりません。deploy/sbom/parts.py に加えてください。"
            )
        found.setdefault("debian", set()).add(_DEBIAN[release])
    # Debian's own package, in the image of the scanner
    found["clamav"] = {"1.4"}
    for name, versions in found.items():
        if len(versions) > 1:
            raise Wrong(f"{name} の版が一つではありません（{'、'.join(sorted(versions))}）。揃えてください。")
        yield Piece(name, versions.pop(), "platform", "image")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
