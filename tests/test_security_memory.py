"""Files from elsewhere that say they are larger than they are, or are larger than they look."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from saved_files import DAMAGED, encoding_of, frame, rewritten, saved

import mixed_glm as mg


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "fit.mglm"
    return saved("y ~ x + center(t) + (1 | g) + (0 + x | h)", path).read_bytes()


def npy(
    shape: str, body: bytes = b"", descr: str = "<f8", spaces: int = 0, version: bytes = b"\x01\x00"
) -> bytes:
    """A member that says anything of itself."""
    text = (
        f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b" " * spaces + b"\n"
    )
    return (
        b"\x93NUMPY"
        + version
        + len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
        + text
        + body
    )


def array_member(array: npt.NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


MEMBER = "model/arguments/endog.npy"
ARGUMENT = ("model", "dict", "arguments", "dict")


def argument(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda h: h["model"]["dict"]["arguments"]["dict"].__setitem__(name, value)


def nested_list(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth) if depth < 500 else None


BOMBS: dict[str, tuple[Callable[[dict[str, Any]], object], dict[str, bytes | None]]] = {
    "objects": (argument("vcp_p", {"objects": [[10**9], [None]]}), {}),
    "objects of no size": (argument("vcp_p", {"objects": [[0, 10**15], []]}), {}),
    "objects of negative size": (argument("vcp_p", {"objects": [[-1, -1], [1]]}), {}),
    "shape": (lambda _: None, {MEMBER: npy("(10000000000,)", b"\0" * 80)}),
    "negative shape": (lambda _: None, {MEMBER: npy("(-60,)", b"\0" * 480)}),
    "shape of no size": (lambda _: None, {"model/arguments/exog.npy": npy("(0, 10000000000000)")}),
    "texts of no size": (lambda _: None, {MEMBER: npy("(10000000000,)", b"", "<U0")}),
    "long texts": (lambda _: None, {MEMBER: npy("(60,)", b"", "<U100000000")}),
    "spaces": (lambda _: None, {MEMBER: npy("(60,)", b"\0" * 480, spaces=60_000)}),
    "spaces in another version": (lambda _: None, {MEMBER: npy("(60,)", b"\0" * 480, spaces=10**8, version=b"\x02\x00")}),
    "a deep description": (lambda _: None, {MEMBER: npy("(" * 4000 + ")" * 4000)}),
    "a structure": (lambda _: None, {MEMBER: array_member(np.zeros(60, "f8,f8"))}),
    "a long array": (lambda _: None, {MEMBER: npy("(60,)", b"\0" * 10**8)}),
    "an array twice": (argument("exog", {"array": "model/arguments/endog"}), {"model/arguments/exog.npy": None}),
    "levels of one array": (
        lambda h: encoding_of(h)["context"].update(
            dict={f"n{i}": {"index": {"dict": {"values": {"array": "big"}, "dtype": "object", "name": None}}} for i in range(99)}
        ),
        {"big.npy": array_member(np.zeros(10**6))},
    ),
    "a type of levels": (
        lambda h: encoding_of(h)["context"].update(
            dict={"n": {"index": {"dict": {"values": [1], "dtype": "V1000000000", "name": None}}}}
        ),
        {},
    ),
    "a wide sparse matrix": (lambda h: h["model"]["dict"]["arguments"]["dict"]["exog_vc"]["csr"]["dict"].update(shape=[60, 10**12]), {}),
    "a long sparse matrix": (lambda h: h["model"]["dict"]["arguments"]["dict"]["exog_vc"]["csr"]["dict"].update(shape=[10**12, 8]), {}),
    "no names": (argument("fep_names", None), {}),
    "a deep header": (lambda h: h.update(result=nested_list(400)), {}),
    "a long header": (lambda h: h.update(package=" " * 10**8), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_sizes_are_those_of_the_contents(name: str, honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.mglm"
    path.write_bytes(honest)
    change, members = BOMBS[name]
    rewritten(path, change, **members)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(ValueError, match=DAMAGED):
        mg.load(path)


def test_a_header_nested_past_pythons_limit(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "deep.mglm"
    path.write_bytes(honest)
    rewritten(path, lambda _: None, **{"header.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000})
    with pytest.raises(ValueError, match="nested too deeply"):
        mg.load(path)


def test_what_is_not_referred_to_is_not_read(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "more.mglm"
    path.write_bytes(honest)
    rewritten(path, lambda _: None, **{"other.npy": b"no array", "folder/other": b"nothing"})
    assert np.isfinite(mg.load(path).predict(frame())).all()


def test_one_long_label_does_not_make_all_long(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "long.mglm"
    path.write_bytes(honest)
    index = {
        "index": {"dict": {"values": ["a" * 10**6, *map(str, range(10**5))], "dtype": "object", "name": None}}
    }
    rewritten(path, lambda h: encoding_of(h)["context"].update(dict={"n": index}))
    assert len(mg.load(path).model._encoding.context["n"]) == 10**5 + 1


def test_members_that_say_they_are_longer(honest: bytes, tmp_path: Path) -> None:
    """The sizes in the directory of the archive, changed to match a shape."""
    path = tmp_path / "forged.mglm"
    path.write_bytes(honest)
    body = npy("(1000000000,)", b"\0" * 480)
    declared = len(body) - 480 + 8 * 10**9
    rewritten(path, lambda _: None, **{MEMBER: body})
    raw, size = path.read_bytes(), len(body).to_bytes(4, "little")
    at = raw.rfind(MEMBER.encode()) - 46 + 24  # of its entry in the directory
    assert raw[at : at + 4] == size
    path.write_bytes(raw[:at] + (declared % 2**32).to_bytes(4, "little") + raw[at + 4 :])
    with pytest.raises(ValueError, match=DAMAGED):
        mg.load(path)


def test_members_over_each_other(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "quine.mglm"
    path.write_bytes(honest)
    big = array_member(np.zeros(10**5))
    names = [f"big{i}" for i in range(50)]
    context = {"dict": {n: {"array": n} for n in names}}
    rewritten(path, lambda h: encoding_of(h).update(context=context), **{f"{n}.npy": big for n in names})
    assert len(mg.load(path).model._encoding.context) == 50
    with zipfile.ZipFile(path) as archive:
        entries = {i.filename: i.header_offset for i in archive.infolist()}
    raw = bytearray(path.read_bytes())
    for name in names[1:]:  # all at the place of the first
        at = raw.rfind(f"{name}.npy".encode()) - 46 + 42
        raw[at : at + 4] = entries["big0.npy"].to_bytes(4, "little")
    path.write_bytes(bytes(raw))
    with pytest.raises(ValueError, match=DAMAGED):
        mg.load(path)


SCRIPT = """
import resource, sys, mixed_glm as mg
mg.load(sys.argv[3]).predict()  # whatever is imported by then takes its memory before
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), -1))
try:
    mg.load(sys.argv[1]).predict()
except Exception as error:
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    print(type(error).__name__, error)
"""


def loaded_within(path: Path, memory: int, sound: bytes) -> str:
    """What loading says in a process that has so many bytes, and has loaded a sound file before."""
    before = path.with_name("sound.mglm")
    before.write_bytes(sound)
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path), str(memory), str(before)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1])},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are read from /proc")
def test_bombs_within_little_memory(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.mglm"
    for name in (
        "objects",
        "shape",
        "spaces in another version",
        "levels of one array",
        "a long array",
        "a long header",
    ):
        path.write_bytes(honest)
        rewritten(path, BOMBS[name][0], **BOMBS[name][1])
        assert loaded_within(path, 200_000_000, honest).startswith("ValueError"), name
    path.write_bytes(honest)
    assert loaded_within(path, 200_000_000, honest) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are read from /proc")
def test_too_little_memory_is_not_damage(honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "big.mglm"
    x = np.random.default_rng(0).normal(size=(500_000, 3)).round(1)
    mg.MixedGLM(np.tile([0.0, 1], 250_000), x, None, None, "binomial").fit_map().save(path)
    told = loaded_within(path, 2**20, honest)
    assert told.startswith("MemoryError")
    assert "not enough memory to load it" in told
    assert "big.mglm" in told
    assert "damaged" not in told


def test_long_headers_are_read_however_they_compress(tmp_path: Path) -> None:
    zeros = [0] * 3_000_000
    path = saved("y ~ I(x + zeros[0])", tmp_path / "fit.mglm", zeros=zeros)
    assert mg.load(path).model._encoding.context["zeros"] == zeros
