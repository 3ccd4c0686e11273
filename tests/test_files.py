"""Files as they are written: complete or as before, with the permissions they had."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mixed_glm as mg
from mixed_glm._input.files import replacing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices, pipes and permissions of POSIX")


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def fail_halfway(path: Path, failure: type[BaseException]) -> None:
    with replacing(path) as file:
        file.write(b"half")
        file.flush()
        raise failure


@pytest.fixture
def result() -> mg.MixedGLMResults:
    return mg.MixedGLM([0.0, 1, 1, 0], [[1.0]] * 4, None, None, "binomial").fit_map()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o200])
def test_permissions_are_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert permissions(path) == mode
    assert path.read_bytes() == b"new" or not os.access(path, os.R_OK)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_new_files_honour_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert permissions(tmp_path / "file") == mode


def test_content_is_private_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with replacing(path):
        (part,) = set(tmp_path.iterdir()) - {path}
        assert permissions(part) == 0o600


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_read_only_files_are_refused(tmp_path: Path, result: mg.MixedGLMResults) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only") as caught:
        result.save(path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_directories_and_sockets_are_refused(tmp_path: Path, result: mg.MixedGLMResults) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        result.save(folder)
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(tmp_path):
        listening.bind("s")
        with pytest.raises(OSError, match="neither a file"):
            result.save("s")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "s"]


@pytest.mark.parametrize("device", ["/dev/null", "own"])
def test_devices_stay_devices(tmp_path: Path, device: str, result: mg.MixedGLMResults) -> None:
    if device == "own":
        device = str(tmp_path / "null")
        try:
            os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("devices can only be made by root")
    result.save(device)
    assert stat.S_ISCHR(Path(device).stat().st_mode)
    assert not any(p.suffix == ".part" for p in tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_device(result: mg.MixedGLMResults) -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        result.save("/dev/full")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_pipes_are_written_to(tmp_path: Path, result: mg.MixedGLMResults) -> None:
    pipe, copy = tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: copy.write_bytes(pipe.read_bytes()))
    reader.start()
    result.save(pipe)
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert mg.load(copy).params == pytest.approx(result.params)


def test_a_pipe_gets_nothing_of_what_fails(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(KeyboardInterrupt):
        fail_halfway(pipe, KeyboardInterrupt)
    assert os.read(end, 10) == b""
    os.close(end)


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    link.symlink_to(Path("folder", "target"))
    for content in (b"first", b"second"):  # the target is made, then replaced
        write(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    other = tmp_path / "other"
    other.hardlink_to(target)
    write(link, b"third")
    assert (target.read_bytes(), other.read_bytes()) == (b"third", b"second")


def test_names_as_long_as_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write(path)
    assert path.read_bytes() == b"new"


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for failure in (KeyboardInterrupt, ValueError, OSError):
        with pytest.raises(failure):
            fail_halfway(path, failure)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("limit", [10, 1000])
def test_a_full_disk_is_told_by_the_name_of_the_file(tmp_path: Path, limit: int) -> None:
    """Another process, whose files may not grow past a limit."""
    path = tmp_path / "fit.mglm"
    path.write_bytes(b"old")
    script = f"""
import resource, signal, mixed_glm as mg
result = mg.MixedGLM([0.0, 1, 1, 0] * 500, [[1.0]] * 2000, None, None, "binomial").fit_map()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))
try:
    result.save({str(path)!r})
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"[Errno 27] File too large: {str(path)!r}\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
