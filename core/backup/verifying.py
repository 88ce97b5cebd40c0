"""Whether backups are whole: everything is decrypted and compared with what was noted when it was written."""

from collections.abc import Callable

from .calendar import gaps, is_segment
from .kept_files import check_collection, collections
from .repository import FULL, BackupError, Repository, Set, digest_of

_BLOCK = 1 << 20


def verify_set(repository: Repository, one: Set) -> None:
    """Reads one set and its newest collection of files. BackupError at the first damage."""
    for name, digest in one.sha256.items():
        with repository.opened(f"sets/{one.name}/{name}") as file:
            if digest_of(file) != digest:
                raise BackupError(
                    f"控え {one.name} の {name} が、控えたときの内容と違います。別の世代から戻してください。"
                )
    moments = collections(repository, one.full)
    if not moments:
        raise BackupError(f"控え {one.full} に、預かったファイルの控えがありません。")
    check_collection(repository, one.full, moments[-1])


def verify_all(repository: Repository) -> list[str]:
    """Every problem of every backup, in words; empty when all is whole. Reads everything there is."""
    problems: list[str] = []
    try:
        sets = repository.sets()
    except BackupError as error:
        return [str(error)]
    for one in sets:
        _note(problems, verify_set, repository, one)
        _note(problems, repository.chain, one)
    for one in sets:
        if one.kind == FULL:
            for moment in collections(repository, one.full)[:-1]:
                _note(problems, check_collection, repository, one.full, moment)
    segments = repository.segments()
    for name in segments:
        _note(problems, _read_segment, repository, name)
    if sets:
        missing = gaps(segments, min((one.first_segment for one in sets), key=lambda name: name[8:]))
        if missing:
            problems.append(
                f"データベースのログが {len(missing)} 個欠けています（{missing[0]} など）。"
                "欠けた時刻より後には、その後に取った控えからだけ戻せます。すぐに控えを取ってください。"
            )
    return list(dict.fromkeys(problems))


def _read_segment(repository: Repository, name: str) -> None:
    size = 0
    with repository.opened_segment(name) as file:
        try:
            while block := file.read(_BLOCK):
                size += len(block)
        except (EOFError, OSError) as error:
            raise BackupError(f"控えのログ {name} が壊れています（{error}）。") from None
    if is_segment(name) and size == 0:
        raise BackupError(f"控えのログ {name} が空です。")


def _note(problems: list[str], check: Callable[..., object], *arguments: object) -> None:
    try:
        check(*arguments)
    except BackupError as error:
        problems.append(str(error))
