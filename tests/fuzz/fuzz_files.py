"""Saved models and results, damaged: bytes changed, cut, repeated; or the archive taken apart, its header and arrays
forged, and put together again with right checksums.

What was damaged must be refused with a ValueError, or load and behave. A forged file that loads may hold anything, and
must not crash or hang whatever is asked of it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, sound
from problems import pick

import mixed_glm as mg

JUNK = [None, True, -1, 0, 3, 10**30, 1.5, "", "x", "é\u0000", [], {}, [[]], {"array": "x"}, {"array": None}, {"float": "nan"},
        {"float": "x"}, {"dict": {}}, {"tuple": 3}, {"record": ["Binomial", {"link": "y"}]}, {"record": ["os", {}]},
        {"record": ["Posterior", {}]}, {"model": None}, {"a": 1, "b": 2}, {"index": {}}, "inf"]  # fmt: skip
ARRAYS = [np.zeros(0), np.zeros(3), np.full(5, np.nan), np.zeros((2, 2)), np.array(["a"]), np.zeros(4, complex), np.zeros(3, "M8[s]"),
          np.array(1.0), np.zeros((0, 5)), np.full(7, -(2**31)), np.arange(9), np.full(3, 1e300), np.zeros(2, bool)]  # fmt: skip


@functools.cache
def saved() -> list[bytes]:
    """Files of every method, from arrays and from a formula, results and models alone."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"y": rng.integers(0, 2, 20), "x": rng.normal(size=20), "g": list("abcd") * 5, "f": list("uvwuv") * 4}
    )
    models = [
        mg.MixedGLM.from_formula("y ~ x + C(f) + (1 | g) + (0 + x | g)", data=data, family="binomial"),
        mg.MixedGLM(data["y"], data[["x"]], np.eye(4)[np.arange(20) % 4], [0, 0, 1, 1], family="poisson"),
    ]  # fmt: skip
    out = []
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        path = Path(folder, "saved")
        for model in models:
            fits = [
                model, model.fit_map(), model.fit_laplace(), model.fit_ep(), model.fit_vb(), model.fit_map(scale_fe=True),
                model.fit_vb(covariance="full"), model.fit_laplace(method="BFGS"),
            ]  # fmt: skip
            for thing in fits:
                thing.save(path)
                out.append(path.read_bytes())
    return out


def case(rng: np.random.Generator) -> str:
    content = pick(rng, saved())
    forge = rng.random() < 0.6
    content = forged(rng, content) if forge else damaged(rng, content)
    with tempfile.NamedTemporaryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path(file.name).write_bytes(content)
        try:
            loaded = mg.load(file.name) if rng.random() < 0.7 else mg.MixedGLM.load(file.name)
        except ValueError as error:
            if type(error) is not ValueError or file.name not in str(error):
                raise Defect(f"does not name the file: {type(error).__name__}: {error}") from error
            return "ValueError"
        if not forge:
            use(loaded)
            return "loaded"
        try:
            return use(loaded)
        except Exception as error:  # noqa: BLE001
            return f"forged, then {type(error).__name__}"


def use(loaded: Any) -> str:
    if isinstance(loaded, mg.MixedGLM):
        loaded.logposterior(np.zeros(loaded.k_fep + loaded.k_vcp + loaded.k_vc))
        return "a model"
    str(loaded.summary())
    loaded.conf_int()
    loaded.predict()
    return sound(loaded, flagged=True)


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    raw = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(len(raw)))
        how = rng.random()
        if how < 0.5:
            raw[at] = int(rng.integers(256))
        elif how < 0.6:
            raw[at] ^= 1 << int(rng.integers(8))
        elif how < 0.7:
            del raw[at : at + int(rng.integers(1, 200))]
        elif how < 0.8:
            raw[at:at] = raw[at : at + int(rng.integers(1, 200))]
        elif how < 0.9:
            raw[at : at + 8] = pick(rng, [b"\xff" * 8, b"\x00" * 8, b"PK\x03\x04", b"PK\x01\x02"])
        elif rng.random() < 0.3:
            del raw[at:]
        if not raw:
            break
    return bytes(raw)


def forged(rng: np.random.Generator, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.6:
            parts["header.json"] = json.dumps(forged_tree(rng, json.loads(parts["header.json"]))).encode()
        else:
            name = pick(rng, [n for n in parts if n != "header.json"])
            parts[name] = forged_array(rng, parts[name])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", pick(rng, [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def forged_tree(rng: np.random.Generator, tree: Any) -> Any:
    """One value of the tree replaced, left out, or swapped with another."""
    nodes: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        for key in (
            list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
        ):
            nodes.append((node, key))
            collect(node[key])

    collect(tree)
    if not nodes:
        return pick(rng, JUNK)
    node, key = pick(rng, nodes)
    how = rng.random()
    if how < 0.6:
        node[key] = pick(rng, JUNK)
    elif how < 0.8:
        del node[key]
    else:
        other, place = pick(rng, nodes)
        node[key] = json.loads(json.dumps(other[place] if place in other or (isinstance(other, list) and place < len(other)) else None))  # fmt: skip
    return tree


def forged_array(rng: np.random.Generator, data: bytes) -> bytes:
    how = rng.random()
    if how < 0.4:
        raw = bytearray(data)
        raw[int(rng.integers(len(raw)))] = int(rng.integers(256))
        return bytes(raw)
    if how < 0.6:
        shapes = [
            b"(1000000000000,)",
            b"(-1,)",
            b"(3,",
            b"(1e3,)",
            b"((),)",
            b"(99999999999999999999999,)",
            b"(2, 2)",
            b"()",
        ]
        start = data.find(b"'shape': ") + 9
        end = data.find(b", }", start)
        return data[:start] + pick(rng, shapes) + data[end:]
    out = io.BytesIO()
    array = pick(rng, ARRAYS)
    if rng.random() < 0.6:
        with contextlib.suppress(Exception):  # forged before
            array = changed(rng, np.load(io.BytesIO(data)))
    np.save(out, array)
    return out.getvalue()


def changed(rng: np.random.Generator, own: np.ndarray) -> np.ndarray:
    number = own.dtype.kind in "fi"
    forms = [np.ravel(own), own[..., None], own.T]
    forms += [own.astype("f4"), -own, own * np.nan] if number else []
    forms += [own[:-1], np.concatenate([own, own])] if own.ndim else []
    return pick(rng, forms)
