"""The wheel of the driver: the same bytes each time, whole, and installed by pip."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import package_files as made

from shiftloom.packaging import archive, wheel

ROOT = Path(__file__).parents[2]


def test_bytes_are_the_same_in_any_order_and_hash_seed() -> None:
    names = ["b", "a/c", "a"]
    assert archive.zipped(dict.fromkeys(names, b"x")) == archive.zipped(
        dict.fromkeys(names[::-1], b"x")
    )
    program = "import hashlib; from shiftloom.packaging import wheel"
    program += "; print(hashlib.sha256(wheel.driver_wheel()).hexdigest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert found == {hashlib.sha256(wheel.driver_wheel()).hexdigest() + "\n"}


def test_record_is_that_of_the_files() -> None:
    found = made.members(wheel.driver_wheel())
    (record,) = (name for name in found if name.endswith("/RECORD"))
    rows = list(csv.reader(io.StringIO(found[record].decode())))
    assert [row for row in rows if row[0] == record] == [[record, "", ""]]
    for name, digest, size in rows:
        if name != record:
            hashed = hashlib.sha256(found[name]).digest()
            expected = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
            assert (digest, size) == (f"sha256={expected}", str(len(found[name])))
    assert sorted(row[0] for row in rows) == sorted(found)


def test_wheel_has_all_of_the_host_and_no_compiler() -> None:
    found = made.members(wheel.driver_wheel())
    modules = {f"shiftloom/host/{path.name}" for path in (ROOT / "host").glob("*.py")}
    others = {name for name in found if ".dist-info/" not in name} - modules
    assert others == {"shiftloom/__init__.py", "shiftloom/py.typed"}
    assert all(
        found[name] == (ROOT / name.removeprefix("shiftloom/")).read_bytes() for name in modules
    )


def test_wheel_says_what_it_needs() -> None:
    found = made.members(wheel.driver_wheel())
    (text,) = (found[name].decode() for name in found if name.endswith("/METADATA"))
    assert "\nRequires-Python: >=3.10\n" in text
    assert text.endswith("\nRequires-Dist: numpy (>=1.21)\n")


def test_pip_installs_it_and_it_imports_by_its_name(tmp_path: Path) -> None:
    path, target = tmp_path / wheel.NAME, tmp_path / "target"
    path.write_bytes(wheel.driver_wheel())
    options = ("--no-index", "--no-deps", "--target", str(target), str(path))
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options]
    subprocess.run(command, capture_output=True, check=True)
    program = "import shiftloom.host.loading as found; print(found.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=target,
        env={"PYTHONPATH": str(target)},
    )
    assert done.stdout == f"{target}/shiftloom/host/loading.py\n"
    shown = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "list", "--path", str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shiftloom-host" in shown.stdout.replace("_", "-")
