"""Servers of a test's own, in a VAR_DIR whose path has a space and Japanese characters."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from server_processes import Processes, leave, servers_of

from config.servers.layout import load_state, save_state


@contextlib.contextmanager
def hard_folder() -> Iterator[Path]:
    """A folder not yet there, below one that only we can enter, with a path that is hard on programs."""
    parent = Path(tempfile.mkdtemp(prefix="試し 場所 "))
    folder = parent / "データ 1"
    yield folder
    if (folder / "servers.json").exists():
        shutil.rmtree(load_state(folder).socket_dir, ignore_errors=True)
    shutil.rmtree(parent, ignore_errors=True)


@contextlib.contextmanager
def processes_on(var_dir: Path) -> Iterator[Processes]:
    """Starts processes on `var_dir`; at the end nothing of them is left running."""
    all_of_them = Processes(var_dir)
    yield all_of_them
    for process in all_of_them.started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    for number in servers_of(var_dir):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@pytest.fixture(scope="session")
def made_before() -> Iterator[Path]:
    """A VAR_DIR with a cluster in it, its servers stopped: making one takes longest."""
    with hard_folder() as folder, processes_on(folder) as own:
        leave(own.user())
        yield folder


def copy_of(made: Path, folder: Path) -> None:
    """Puts a copy of a stopped VAR_DIR into `folder`, with a socket folder of its own."""
    subprocess.run(["cp", "-a", made, folder], check=True)
    state = load_state(folder)
    save_state(folder, replace(state, socket_dir="/proc/not-here"))
    load_state(folder)


@pytest.fixture
def var_dir() -> Iterator[Path]:
    """A VAR_DIR of this test's own, still to be made."""
    with hard_folder() as folder:
        yield folder


@pytest.fixture
def processes(var_dir: Path, made_before: Path) -> Iterator[Processes]:
    """Processes on the test's own VAR_DIR, in which a cluster lies ready."""
    copy_of(made_before, var_dir)
    with processes_on(var_dir) as own:
        yield own


@pytest.fixture
def first_processes(var_dir: Path) -> Iterator[Processes]:
    """Processes on a VAR_DIR that isn't there yet."""
    with processes_on(var_dir) as own:
        yield own


@pytest.fixture(scope="module")
def running_servers(made_before: Path) -> Iterator[Path]:
    """A VAR_DIR whose servers run, for tests that only ask."""
    with hard_folder() as folder, processes_on(folder) as own:
        copy_of(made_before, folder)
        own.user()
        yield folder
