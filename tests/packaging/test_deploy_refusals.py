"""What `shiftloom deploy` refuses: hosts, keys, Pythons, disks, and what never leaves this side."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import board_sshd
import package_files as made
import pytest
from board_sshd import Sshd
from refusals import refuses

from shiftloom import packaging
from shiftloom.packaging import Remote

AGAIN = "check that the board is on and in reach, then deploy again"


# ---------------------------------------------------------------- connections


def test_key_that_is_not_taken_is_said(first: Path, board: Path, sshd: Sshd) -> None:
    other = Remote(sshd.target, sshd.port, sshd.folder / "other_key", sys.executable)
    hint = "put it there by ssh-copy-id, or give another by --identity"
    with refuses(f"{sshd.target}: does not take your key; {hint}"):
        packaging.deploy(first, other, str(board))


def test_host_key_that_is_not_known_is_said(
    first: Path, board: Path, sshd: Sshd, remote: Remote
) -> None:
    known = sshd.folder / "known_hosts"
    text = known.read_text()
    known.write_text("")
    try:
        with refuses(
            f"{sshd.target}: has a host key that is not known, or another one than before; "
            "connect by ssh once and compare the key"
        ):
            packaging.deploy(first, remote, str(board))
    finally:
        known.write_text(text)


def test_host_that_does_not_answer_is_said(first: Path, board: Path, sshd: Sshd) -> None:
    closed = Remote(sshd.target, board_sshd._free_port(), sshd.key)
    reason = f"ssh: connect to host 127.0.0.1 port {closed.port}: Connection refused"
    with refuses(f"{sshd.target}: the connection failed ({reason}); {AGAIN}"):
        packaging.deploy(first, closed, str(board))


def test_host_without_an_address_is_said(
    first: Path, board: Path, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ssh: Could not resolve hostname board: Name or service not known"
    board_sshd.program(tmp_path / "ssh", f"echo '{said}' >&2; exit 255")
    monkeypatch.setenv("PATH", str(tmp_path))
    with refuses(f"{remote.target}: is no host that is known; check the name"):
        packaging.deploy(first, remote, str(board))


def test_missing_client_is_said(
    first: Path, board: Path, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with refuses("ssh: not found; install the client of OpenSSH"):
        packaging.deploy(first, remote, str(board))


# ---------------------------------------------------------------- the far side


@pytest.mark.parametrize("python", ["/nowhere/python3", "/etc/passwd"])
def test_missing_python_is_said(python: str, first: Path, board: Path, sshd: Sshd) -> None:
    lacking = Remote(sshd.target, sshd.port, sshd.key, python)
    hint = "give the path of one by --python"
    with refuses(f"{sshd.target}: there is no {python}; {hint}"):
        packaging.deploy(first, lacking, str(board))


def _python(tmp_path: Path, lines: str) -> str:
    """A Python for the far side, in which these lines run first."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(lines)
    path = tmp_path / "python"
    board_sshd.program(path, f'PYTHONPATH={folder} exec {sys.executable} "$@"')
    return str(path)


_USAGE = "import shutil\nshutil.disk_usage = lambda _: type('Usage', (), {'free': 1000})"
_FULL = """
import os, sys
if sys.argv[0].endswith("package.zip"):
    def fsync(_):
        raise OSError(28, os.strerror(28))
    os.fsync = fsync
"""
OTHER = "choose another folder by --directory"
ELSEWHERE = f"free space, or {OTHER}"
PYNQ = "give the Python that has pynq by --python, a PYNQ image's is in its pynq-venv"
PYTHONS: dict[str, tuple[str, str]] = {
    "old": (
        "import sys\nsys.version_info, sys.version = (3, 8, 10), '3.8.10 (default)'",
        f"its Python is 3.8.10, the driver needs 3.10; {PYNQ}",
    ),
    "no NumPy": (
        "import sys\nsys.modules['numpy'] = None",
        f"its Python cannot import NumPy; {PYNQ}",
    ),
    "old NumPy": (
        "import numpy\nnumpy.__version__ = '1.19.5'",
        f"its NumPy is 1.19.5, the driver needs 1.21; {PYNQ}",
    ),
    "no space": (_USAGE, f"{{board}}: 1000 bytes are free, {{needed}} are needed; {ELSEWHERE}"),
    "full": (
        _FULL,
        f"{{board}}/tiny: cannot be written: No space left on device; {ELSEWHERE}",
    ),
}


def test_numpy_that_is_just_new_enough_will_do(
    first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    python = _python(tmp_path, "import numpy\nnumpy.__version__ = '1.21.0rc1'")
    just = Remote(sshd.target, sshd.port, sshd.key, python)
    assert packaging.deploy(first, just, str(board)).taken


@pytest.mark.parametrize("name", PYTHONS)
def test_board_that_cannot_take_it_says_so_and_keeps_what_it_has(
    name: str,
    first: Path,
    second: Path,
    board: Path,
    sshd: Sshd,
    remote: Remote,
    tmp_path: Path,
) -> None:
    packaging.deploy(first, remote, str(board))
    before = made.tree(board)
    lines, message = PYTHONS[name]
    needed = 3 * second.stat().st_size + (1 << 20)
    lacking = Remote(sshd.target, sshd.port, sshd.key, _python(tmp_path, lines))
    with refuses(f"{sshd.target}: {message.format(board=board, needed=needed)}"):
        packaging.deploy(second, lacking, str(board))
    assert made.tree(board) == before
    assert list(board.glob(".*")) == []
    assert packaging.deploy(first, remote, str(board)).copied == 0


_FILLED = """
import shutil
left = [10**9, {free}]
shutil.disk_usage = lambda _: type("Usage", (), {{"free": left.pop(0)}})
"""


@pytest.mark.parametrize("free", [100, 10**6])
def test_copy_that_the_board_does_not_take_is_no_lost_connection(
    free: int, first: Path, board: Path, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of 20,000 bytes; then there is room for the rest, or there is none."""
    lacking = Remote(sshd.target, sshd.port, sshd.key, _python(tmp_path, _FILLED.format(free=free)))
    said = "scp: failed to upload file tiny.zip"
    copied = f'for to; do :; done; head -c 20000 {first} > "${{to#*:}}"'
    folder = tmp_path / "wrappers"
    folder.mkdir()
    board_sshd.program(folder / "scp", f"{copied}; echo {said} >&2; exit 1")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    missing = first.stat().st_size - 20000
    message = f"{board}: {free} bytes are free, {missing} are yet to arrive; {ELSEWHERE}"
    if free > missing:
        message = f"copying failed ({said}), with {free} bytes free there; "
        message += "free space there, or choose another folder by --directory, and deploy again"
    with refuses(f"{sshd.target}: {message}"):
        packaging.deploy(first, lacking, str(board))
    assert not board.exists()


def test_folder_without_permission_is_said(
    first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    """The superuser may write anywhere: mkdir is made to fail as it does for others."""
    lines = f"import os\ndef mkdir(path, *_):\n    raise PermissionError({errno.EACCES}, "
    lines += "os.strerror(13), str(path))\nos.mkdir = mkdir"
    lacking = Remote(sshd.target, sshd.port, sshd.key, _python(tmp_path, lines))
    with refuses(f"{sshd.target}: {board}: Permission denied; {OTHER}"):
        packaging.deploy(first, lacking, str(board))


PROGRAMS = {
    "exit 1": "has failed (exit code 1); give the path of one by --python",
    "echo oh >&2; exit 3": "has failed (oh); give the path of one by --python",
    "exit 0": "says ''; give a Python by --python",
    "echo Welcome": "says 'Welcome\\n'; give a Python by --python",
    """echo '{"refused": [1]}'""": """says '{"refused": [1]}\\n'; give a Python by --python""",
}


@pytest.mark.parametrize("lines", PROGRAMS)
def test_program_that_is_no_python_is_said(
    lines: str, first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    path = tmp_path / "python"
    board_sshd.program(path, lines)
    with refuses(f"{sshd.target}: {path} there {PROGRAMS[lines]}"):
        packaging.deploy(first, Remote(sshd.target, sshd.port, sshd.key, str(path)), str(board))


KEPT = (
    '"name": "x", "version": "x", "digest": "x", "directory": "x", "before": null, "current": "x"'
)
SAYS = "the installer there says {}; package and deploy again"
ANSWERS = {
    """{"archive": "/tmp/$(id)/x"}""": "its folder '/tmp/$(id)/x': is no plain path; "
    "use letters, digits, dots, dashes, underscores and slashes",
    """{"self_test": 1}""": SAYS.format("{'self_test': 1}"),
    """{"self_test": {"state": "passed"}}""": SAYS.format("{'self_test': {'state': 'passed'}}"),
    f"""{{"self_test": {{"state": "fine"}}, {KEPT}}}""": SAYS.format(
        "{'before': None, 'current': 'x', 'digest': 'x', 'directory': 'x', ...}"
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_of_another_program_are_refused(
    answer: str, first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    path = tmp_path / "python"
    board_sshd.program(path, f"echo '{answer}'")
    with refuses(f"{sshd.target}: {ANSWERS[answer]}"):
        packaging.deploy(first, Remote(sshd.target, sshd.port, sshd.key, str(path)), str(board))


def test_answers_are_shown_as_plain_text(
    first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    path = tmp_path / "python"
    kept = KEPT.replace('"x"', '"a\\u001b[2Jb"', 1)
    answer = f"""{{"self_test": {{"state": "passed", "reason": ["\\u0007"]}}, {kept}}}"""
    board_sshd.program(path, f"cat <<'END'\n{answer}\nEND")
    found = packaging.deploy(first, Remote(sshd.target, sshd.port, sshd.key, str(path)), str(board))
    assert (found.name, found.before, found.current) == ("a\ufffd[2Jb", None, "x")
    assert found.reason == "['\\x07']"


# ---------------------------------------------------------------- what never leaves this machine

HOSTS = ("-oProxyCommand=x", "", "a b", "a;b", "user@-x", "$(x)", "a@b@c", "x\n", "user@", "ü")


@pytest.mark.parametrize("target", [*HOSTS, "root@[::1]"])
def test_host_that_is_none_is_refused(target: str) -> None:
    hint = "write USER@BOARD with letters, digits, dots, dashes and underscores, "
    hint += "or a name of ~/.ssh/config that stands for another address"
    with refuses(f"target {target!r}: is no host; {hint}"):
        Remote(target)


PATHS = ("-x", "a b", "a;b", "$(x)", "../x", "a/../b", "", "~root/x", "a\n", "x/")


@pytest.mark.parametrize("path", PATHS)
def test_path_that_a_shell_could_read_is_refused(path: str, first: Path, remote: Remote) -> None:
    hint = "use letters, digits, dots, dashes, underscores and slashes"
    with refuses(f"--python {path!r}: is no plain path; {hint}"):
        Remote("board", python=path)
    with refuses(f"--directory {path!r}: is no plain path; {hint}"):
        packaging.deploy(first, remote, path)


def test_key_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with refuses(f"--identity {tmp_path}: is no file; check the path"):
        Remote("board", identity=tmp_path)


def test_damaged_package_is_refused_before_it_is_sent(
    first: Path, board: Path, remote: Remote
) -> None:
    first.write_bytes(made.with_member(first.read_bytes(), "../x"))
    with refuses(f"{first}: member '../x' would leave the target"):
        packaging.deploy(first, remote, str(board))
    assert not board.exists()


@pytest.mark.parametrize("target", ["board", "xilinx@pynq.local", "root@10.0.0.2", "a_b@c-d_1"])
def test_plain_hosts_pass(target: str) -> None:
    assert Remote(target).target == target
