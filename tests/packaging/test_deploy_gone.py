"""`shiftloom deploy` that is lost or given up: nothing is taken into use behind its back."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import board_sshd
import package_files as made
import pytest
from board_sshd import Sshd
from overlay_files import HWH, bit
from refusals import refuses
from test_deploy import DRIVER, names

from shiftloom import packaging
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.packaging import Package, Remote, wheel

WAITS = """
    def load_weights(self, path):
        Path("{folder}/started").write_text(str(__import__("os").getpid()))
        Path("{folder}/fifo").read_bytes()
"""


@pytest.fixture
def waiting(board: Path, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A version whose self-test waits on a fifo, then passes; one that has passed is in use."""
    build, modules = made.written(tmp_path), wheel._modules()
    (tmp_path / "top.bit").write_bytes(bit())
    (tmp_path / "top.hwh").write_bytes(HWH)
    os.mkfifo(tmp_path / "fifo")
    path = tmp_path / "waiting.zip"
    for seed, more in ((5, ""), (6, WAITS.format(folder=tmp_path))):
        driver = {"shiftloom/host/accelerator.py": (DRIVER.format(off=0) + more).encode()}
        monkeypatch.setattr(wheel, "_modules", lambda driver=driver: {**modules, **driver})
        weights = made.weights(tmp_path, seed)
        path.write_bytes(packaging.package(build, tmp_path / "top.bit", weights).data)
        if seed == 5:
            assert packaging.deploy(path, remote, str(board)).state == "passed"
    return path


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it does not hold after 30 seconds")


def waiter(tmp_path: Path) -> int:
    """The process of the self-test, when that waits."""
    started = tmp_path / "started"
    eventually(lambda: started.is_file() and started.read_text() != "")
    return int(started.read_text())


def session(process: int) -> int:
    """The process of the SSH daemon that a process on the board belongs to."""
    while not Path(f"/proc/{process}/comm").read_text().startswith("sshd"):
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process


def nobody_reads(fifo: Path) -> bool:
    """Whether the self-test has ended; where it has not, it goes on now."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False


def test_lost_connection_ends_the_installer(
    waiting: Path, board: Path, sshd: Sshd, remote: Remote, tmp_path: Path
) -> None:
    before = made.tree(board)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(packaging.deploy, waiting, remote, str(board))
        os.kill(session(waiter(tmp_path)), signal.SIGKILL)
        with pytest.raises(ShiftloomError, match="the connection failed"):
            running.result()
    eventually(lambda: names(board) == sorted({path.split("/")[1] for path in before}))
    assert nobody_reads(tmp_path / "fifo")
    assert made.tree(board) == before


DEPLOYS = """
import sys
from pathlib import Path
from shiftloom.packaging import Remote, deploy
target, port, key, path, board = sys.argv[1:]
deploy(Path(path), Remote(target, int(port), Path(key), sys.executable), board)
"""


def test_interruption_waits_for_the_board_to_tidy_up(
    waiting: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    """Ctrl-C goes to every process of the terminal."""
    before = made.tree(board)
    given = (sshd.target, sshd.port, sshd.key, waiting, board)
    command = [sys.executable, "-c", DEPLOYS, *map(str, given)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as running:
        waiter(tmp_path)
        os.killpg(running.pid, signal.SIGINT)
        assert b"KeyboardInterrupt" in running.communicate()[1]
    assert nobody_reads(tmp_path / "fifo")
    assert made.tree(board) == before
    assert names(board) == sorted({path.split("/")[1] for path in before})


def test_version_that_has_passed_is_taken_into_use(
    waiting: Path, board: Path, remote: Remote, tmp_path: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(packaging.deploy, waiting, remote, str(board))
        waiter(tmp_path)
        assert not nobody_reads(tmp_path / "fifo")
        done = running.result()
    assert (done.state, done.current) == ("passed", done.version)


def test_what_is_given_up_before_the_last_step_is_not_taken_into_use(
    first: Path, second: Path, board: Path, remote: Remote
) -> None:
    packaging.deploy(first, remote, str(board))
    before = made.tree(board)

    def begins(step: str) -> None:
        if step == "Taking it into use":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packaging.deploy(second, remote, str(board), begins)
    assert made.tree(board) == before


def test_connection_lost_in_the_last_step_is_said(
    first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    """The line ends as the program there does, here as if its connection were lost."""
    python = tmp_path / "python"
    step = """echo '{"step": "switching"}'"""
    board_sshd.program(python, f'head -c "$3" > /dev/null; {step}; read said; exit 255')
    reason = "may have taken the new version into use: the connection failed (exit code 255)"
    with refuses(f"{sshd.target}: {reason}; deploy again to see"):
        packaging.deploy(first, Remote(sshd.target, sshd.port, sshd.key, str(python)), str(board))


# ---------------------------------------------------------------- the installer

ASKED = """
import sys
from shiftloom.host import install
install.ANSWER_SECONDS = 0.5
sys.argv[0] = sys.argv[1]
sys.exit(install.main(sys.argv[2:]))
"""
NOT_AGREED = "the other side has not agreed to take it into use; deploy again\n"


@pytest.mark.parametrize("answer", ["yes", "gone", "silent"])
def test_installer_asks_before_the_last_step(
    answer: str, first: Path, second: Path, board: Path, versions: tuple[Package, Package]
) -> None:
    command = [sys.executable, "-c", ASKED, "", "--directory", str(board)]
    for path in (first, second):
        before, command[3] = made.tree(board), str(path)
        with subprocess.Popen(
            [*command, *(["--json", "--ask"] if path == second else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            assert running.stderr is not None
            if answer == "yes":
                running.stdin.write(b"yes\n")
            if answer != "silent":
                running.stdin.close()
            shown, said = running.stdout.read(), running.stderr.read().decode()
    steps = [json.loads(line).get("step") for line in shown.splitlines()]
    assert steps[:3] == ["installing", "testing", "switching"]
    old, new = (each.version for each in versions)
    if answer == "yes":
        assert (running.returncode, (board / "tiny/current").readlink()) == (0, Path(new))
    else:
        assert (running.returncode, said) == (2, NOT_AGREED)
        assert made.tree(board) == before
        assert (board / "tiny/current").readlink() == Path(old)
