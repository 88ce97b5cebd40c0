"""Whether backups are whole: everything is decrypted and compared with what was noted when it was written."""

from collections.abc import Callable
from dataclasses import dataclass

from .calendar import gaps, is_segment, sound
from .kept_files import check_collection, collections
from .repository import FULL, SET, BackupError, Repository, Set, WithoutKey, digest_of

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the place of it in the repository, what is wrong in words, the set that it spoils."""

    place: str
    words: str
    damaged: str = ""


def verify_set(repository: Repository, one: Set) -> None:
    """Reads one set and its newest collection of files. BackupError at the first damage."""
    _verify_database(repository, one)
    moments = collections(repository, one.full)
    if not moments:
        raise BackupError(f"控え {one.full} に、預かったファイルの控えがありません。")
    check_collection(repository, one.full, moments[-1])


def verify_all(repository: Repository) -> list[Problem]:
    """Every problem of every backup; empty when all is whole. Reads everything there is, while backups go on."""
    problems: list[Problem] = []

    def look(place: str, damaged: str, check: Callable[..., object], *arguments: object) -> None:
        try:
            check(*arguments)
        except BackupError as error:
            # what is gone by now was at its end, not damaged
            if damaged in ("", *repository.set_names()):
                problems.append(Problem(place, str(error), damaged))

    try:
        sets, lost = repository.sets(), repository.lost_sets()
    except WithoutKey as error:
        return [Problem("sets", str(error))]
    for name in lost:
        look(f"sets/{name}", name, _described, repository, name)
    if (repository.folder / "state.json").exists():
        look("state.json", "", repository.read_json, "state.json")
    for one in sets:
        look(f"sets/{one.name}", one.name, _verify_database, repository, one)
        look(f"sets/{one.name}", one.name, repository.chain, one)
        if one.kind == FULL:
            moments = collections(repository, one.name)
            if not moments:
                look(f"files/{one.name}", one.name, _no_files, one.name)
            for moment in moments:
                look(
                    f"files/{one.name}/{moment}",
                    one.name,
                    check_collection,
                    repository,
                    one.name,
                    moment,
                )
    segments = repository.segments()
    for name in segments:
        if (repository.folder / "wal" / name).exists():
            look(f"wal/{name}", "", _read_segment, repository, name)
    problems += _missing(repository)
    look("state.json", "", _last_ones_are_there, repository)
    return list({problem.words: problem for problem in problems}.values())


def needs_new_one(repository: Repository, problems: list[Problem]) -> bool:
    """Whether the newest backup is among what is spoilt, or the log after it: then one has to be made at once."""
    sets = repository.sets()
    good = sound(sets, {problem.damaged for problem in problems})
    if not sets or not good or good[-1].name != repository.set_names()[-1]:
        return True
    if any(problem.place == "state.json" for problem in problems):
        return True
    newest = good[-1].first_segment[8:]
    return any(
        problem.place.startswith("wal/") and problem.place[12:28] >= newest
        for problem in problems
        if is_segment(problem.place[4:28])
    )


def _missing(repository: Repository) -> list[Problem]:
    sets, segments = repository.sets(), repository.segments()
    while (again := repository.sets()) != sets:  # the oldest ended its life meanwhile, and its log with it
        sets, segments = again, repository.segments()
    if not sets:
        return []
    missing = gaps(segments, min((one.first_segment for one in sets), key=lambda name: name[8:]))
    if not missing:
        return []
    words = (
        f"データベースのログが {len(missing)} 個欠けています（{missing[0]} など）。"
        "欠けた時刻より後には、その後に取った控えからだけ戻せます。すぐに控えを取ってください。"
    )
    # the newest one decides whether a new backup is needed
    return [Problem(f"wal/{missing[-1]}", words)]


def _verify_database(repository: Repository, one: Set) -> None:
    for name, digest in one.sha256.items():
        with repository.opened(f"sets/{one.name}/{name}") as file:
            if digest_of(file) != digest:
                raise BackupError(
                    f"控え {one.name} の {name} が、控えたときの内容と違います。別の世代から戻してください。"
                )


def _last_ones_are_there(repository: Repository) -> None:
    """What came last has nothing after it that would miss it: the state does."""
    state = repository.state()
    for place in (f"wal/{state.get('segment', '')}", f"files/{state.get('collected', '')}.json"):
        known = place not in ("wal/", "files/.json")
        # the files go with the backup they belong to
        belongs = place.startswith("wal/") or place.split("/")[1] in repository.set_names()
        if known and belongs and not (repository.folder / place).exists():
            raise BackupError(f"最後に控えた {place} がありません。すぐに控えを取ってください。")


def _described(repository: Repository, name: str) -> None:
    repository.read_json(f"sets/{name}/{SET}")


def _no_files(full: str) -> None:
    raise BackupError(f"控え {full} に、預かったファイルの控えがありません。")


def _read_segment(repository: Repository, name: str) -> None:
    size = 0
    try:
        with repository.opened_segment(name) as file:
            while block := file.read(_BLOCK):
                size += len(block)
    except (EOFError, OSError) as error:
        if not (repository.folder / "wal" / name).exists():
            return
        raise BackupError(f"控えのログ {name} が壊れています（{error}）。") from None
    if is_segment(name) and size == 0:
        raise BackupError(f"控えのログ {name} が空です。")
