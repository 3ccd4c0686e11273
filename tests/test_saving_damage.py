"""What is no saved result, or is a damaged one: nothing but a message."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import mixed_glm as mg

Fit = Callable[[mg.MixedGLM], mg.MixedGLMResults]
from saved_files import assert_same, cbpp_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "fit.mglm"
    cbpp_model().fit_laplace(integrate="mode").save(path)
    return path.read_bytes()


def test_truncated_files(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "short.mglm"
    for length in [0, 1, 100, *range(200, len(saved), 487), len(saved) - 1]:
        path.write_bytes(saved[:length])
        with pytest.raises(ValueError, match="is not a saved model, or is damaged"):
            mg.load(path)


def test_damaged_files(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mglm"
    reference = cbpp_model().fit_laplace(integrate="mode")
    refused = 0
    for position in range(0, len(saved), 97):
        damaged = bytearray(saved)
        damaged[position] ^= 0x15
        path.write_bytes(damaged)
        try:
            loaded = mg.load(path)
        except ValueError as error:
            assert "is not a saved model, or is damaged" in str(error)  # noqa: PT017
            refused += 1
        else:  # a byte that says nothing, such as the date of a member
            assert_same(loaded, reference)
    assert refused > len(saved) / 97 / 2


@pytest.mark.parametrize("content", [b"", b"PK", b"{}", b"\x80\x04N.", os.urandom(1000)])
def test_foreign_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="foreign' is not a saved model"):
        mg.load(path)


def test_foreign_archives(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, a=np.arange(3))
    with pytest.raises(ValueError, match="is not a saved model"):
        mg.load(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mg.load(tmp_path / "none.mglm")
    with pytest.raises(OSError, match=r"directory|Permission"):
        mg.load(tmp_path)


def rewritten(saved: bytes, path: Path, change: Callable[[dict[str, Any]], object], **members: bytes) -> Path:
    """The saved file with another header, and other members in the place of some."""
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(path, "w") as new:
        header = json.loads(old.read("header.json"))
        change(header)
        new.writestr("header.json", json.dumps(header))
        for name in old.namelist():
            if name != "header.json":
                new.writestr(name, members.get(name, old.read(name)))
    return path


def test_newer_versions(saved: bytes, tmp_path: Path) -> None:
    path = rewritten(saved, tmp_path / "new.mglm", lambda h: h.update(version=99, package="9.9"))
    with pytest.raises(
        ValueError, match=r"format version 99, written by mixed_glm 9\.9, .* upgrade mixed_glm"
    ):
        mg.load(path)


def test_a_field_of_a_newer_version_is_ignored(saved: bytes, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["result"]["dict"]["posterior"]["record"][1]["invented"] = {"never": "heard of"}

    loaded = mg.load(rewritten(saved, tmp_path / "new.mglm", change))
    assert_same(loaded, cbpp_model().fit_laplace(integrate="mode"))


ARRAYS = {
    "indices beyond the columns": ("model/arguments/exog_vc/indices.npy", np.full(112, 10**6, np.int32)),
    "pointers beyond the entries": ("model/arguments/exog_vc/indptr.npy", np.arange(0, 57 * 5, 5, np.int32)),
    "too few rows": ("model/arguments/exog.npy", np.ones((3, 4))),
    "nan": ("model/arguments/endog.npy", np.full(56, np.nan)),
    "a posterior of other size": ("result/posterior/mean.npy", np.ones(3)),
}


@pytest.mark.parametrize(("name", "array"), ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_that_do_not_fit(name: str, array: npt.NDArray[Any], saved: bytes, tmp_path: Path) -> None:
    member = io.BytesIO()
    np.save(member, array)
    path = rewritten(saved, tmp_path / "odd.mglm", lambda h: h, **{name: member.getvalue()})
    with pytest.raises(ValueError, match="is not a saved model, or is damaged"):
        mg.load(path)


PRIORS: dict[str, Any] = {
    "fe": {"tuple": []},
    "sd": {"tuple": []},
    "family": {"tuple": [1]},
    "cor": {"tuple": [1]},
    "constant": 99,
    "thresholds": 2,
    "mixing": [[1.0]],
}


@pytest.mark.parametrize("field", PRIORS)
def test_priors_that_are_not_the_models(field: str, saved: bytes, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["model"]["dict"]["priors"]["record"][1][field] = PRIORS[field]

    with pytest.raises(ValueError, match="its priors are not those of a model"):
        mg.load(rewritten(saved, tmp_path / "odd.mglm", change))


def test_members_of_one_name(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "twice.mglm"
    path.write_bytes(saved)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("header.json", "{}")
    with pytest.raises(ValueError, match="two of its members have the same name"):
        mg.load(path)


class Intruder:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code from a file was run')",)


def test_pickles_in_a_file_are_not_run(saved: bytes, tmp_path: Path) -> None:
    member = io.BytesIO()
    np.save(member, np.array([Intruder()], dtype=object), allow_pickle=True)
    path = rewritten(
        saved, tmp_path / "bad.mglm", lambda h: h, **{"result/posterior/mean.npy": member.getvalue()}
    )
    with pytest.raises(ValueError, match="allow_pickle=False"):
        mg.load(path)


def nested(depth: int) -> Any:
    tree: Any = 1
    for _ in range(depth):
        tree = {"tuple": [tree]}
    return tree


@pytest.mark.parametrize(
    "tree", [{"unheard": 1}, {"record": ["Unheard", {}]}, {"array": "nowhere"}, {}, {"tuple": 1}, 5, nested(300)],
    ids=lambda t: str(t)[:30],
)  # fmt: skip
def test_nonsense_in_the_header(tree: Any, saved: bytes, tmp_path: Path) -> None:
    for part in ("model", "result"):
        path = rewritten(saved, tmp_path / "odd.mglm", lambda h, part=part: h.update({part: tree}))
        with pytest.raises(ValueError, match="is not a saved model, or is damaged"):
            mg.load(path)
