"""Saved models and results, damaged: bytes changed, cut, repeated; or the archive taken apart, its header and arrays
forged, and put together again with right checksums; or made to attack: expressions with code put wherever a text stands
and wherever they agree with the formula, and sizes that are not those of the contents.

What was damaged must be refused with a ValueError, or load and behave. A forged file that loads may hold anything, and
must not crash or hang whatever is asked of it. No file may run code, which a canary tells, nor take memory beyond a limit
that is set for each case.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import resource
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, sound
from problems import pick

import mixed_glm as mg

CANARY = "MIXED_GLM_CANARY"
MEMORY = 400_000_000
EVIL = f"__import__('os').environ.__setitem__('{CANARY}', '1')"
UNQUOTED = f"__import__(chr(111)+chr(115)).environ.update({CANARY}=chr(49))"
CODE = [
    EVIL, f"x + 0 * {EVIL}", f"[x, {EVIL}][0]", f"(lambda: {EVIL})()", f"x if {EVIL} else x", f"x.pipe(lambda x: {EVIL})", f"(x := {EVIL})",
    f"[{EVIL} for x in [1]]", f"eval({EVIL!r})", f"'a\") or {UNQUOTED} #'", f"'\"+{UNQUOTED}+\"'", f"Q({EVIL!r})", f"`{EVIL}`",
    f"np.vectorize(lambda x: {EVIL})(x)", f"hashed(x, 5, hash_func=lambda x: {EVIL})", f"{{0: {EVIL}}}", f"f'{{{EVIL}}}'",
    "9**9**9**9", "'a' * 10**10", "g * 10**9", "[0] * 10**10", "np.zeros(10**10)", "poly(x, 10**9)", "bs(x, df=10**9)", "x * 10**30",
    "'%1000000000d' % 5", "poly(x, 1) * center(x)", "hashed(x, levels=10**9)", "lag(x, 10**12)", "-" * 5000 + "x", "(x)" * 3000,
    "(x + g + f) ** 99", "x * " * 60 + "g", "x" * 100_000, "{0.__class__}", "x.__class__", "np.load('f')", "open('f', 'w')",
]  # fmt: skip
LARGE = [
    {"objects": [[10**9], [None]]}, {"objects": [[0, 10**15], []]}, {"objects": [[-1], [1]]}, [0] * 200_000, " " * 3_000_000, 10**4000,
    {"index": {"dict": {"values": [1] * 9, "dtype": "V1000000000", "name": None}}}, {"float": "1" * 100_000}, {"tuple": [[]] * 100_000},
    {"index": {"dict": {"values": ["a"], "dtype": "Sparse[int64, 0]", "name": None}}}, {"decimal": "1e999999999"}, {"bytes": "A" * 999},
    {"csr": {"dict": {"shape": [10**12, 10**12], "data": [], "indices": [], "indptr": []}}}, {"period": [10**18, "D"]},
    {"period": [1, "9" * 99 + "D"]}, json.loads('{"tuple":[' * 300 + "]}" * 300), {"set": [[1]]}, {"duration": [10**9, 0, 0]},
    {"uuid": "0"}, {"time": "25:00"}, {"interval": [1, 0, "left"]}, {"timestamp": "9" * 999},
]  # fmt: skip

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
        mg.MixedGLM.from_formula("y ~ center(x) + C(f) + offset(np.exp(x / 9))", {"v": "0 + C(g)"}, data, family="poisson"),
        mg.MixedGLM(data["y"], data[["x"]], np.eye(4)[np.arange(20) % 4], [0, 0, 1, 1], family="poisson"),
    ]  # fmt: skip
    later = [
        mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="poisson", priors={"sd(g)": mg.priors.HalfNormal(1.0), "cor": mg.priors.LKJ(2.0)}),
        mg.MixedGLM.from_formula("x ~ C(f) + (1 | g)", data=data, family="gaussian", priors={"sigma": mg.priors.HalfT(3.0, 2.0)}),
        mg.MixedGLM.from_formula("x ~ 1 + (1 | g/f)", data=data.assign(x=data["x"] ** 2), family="gamma"),
        mg.MixedGLM.from_formula("h ~ x + (1 | g)", data=data.assign(h=pd.Categorical(list("pqrst") * 4, ordered=True)), family="cumulative"),
        mg.MixedGLM.from_formula("n ~ x * f + (x || g)", data=data.assign(n=rng.poisson(3.0, 20)), family="negative_binomial"),
        mg.MixedGLM(data["y"], None, np.tile(np.eye(4)[np.arange(20) % 4], 2), np.repeat([0, 1], 4), family="binomial",
                    levels=np.tile(list("abcd"), 2), correlated=[(0, 1)]),
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
        for model in later:
            for thing in (model, model.fit(), model.fit_laplace(), model.fit_laplace(integrate="mode")):
                thing.save(path)
                out.append(path.read_bytes())
    return out


def case(rng: np.random.Generator) -> str:
    content = pick(rng, saved())
    how = rng.random()
    forge = how < 0.75
    if how < 0.1:
        content = swapped(rng, content, pick(rng, saved()))
    elif how < 0.4:
        content = forged(rng, content)
    elif forge:
        content = attacking(rng, content)
    else:
        content = damaged(rng, content)
    os.environ.pop(CANARY, None)
    with tempfile.NamedTemporaryFile() as file, warnings.catch_warnings(), little_memory():
        warnings.simplefilter("ignore")
        Path(file.name).write_bytes(content)
        outcome = loaded_and_used(rng, file.name, forge)
    if CANARY in os.environ:
        raise Defect("code of a file was run")
    return outcome


def loaded_and_used(rng: np.random.Generator, path: str, forge: bool) -> str:
    try:
        loaded = mg.load(path) if rng.random() < 0.7 else mg.MixedGLM.load(path)
    except ValueError as error:
        if type(error) is not ValueError or path not in str(error):
            raise Defect(f"does not name the file: {type(error).__name__}: {error}") from error
        return "ValueError"
    if not forge:
        use(loaded)
        return "loaded"
    try:
        return use(loaded)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001
        return f"forged, then {type(error).__name__}" + (", refused" if "trusted=True" in str(error) else "")


def use(loaded: Any) -> str:
    if isinstance(loaded, mg.MixedGLM):
        loaded.logposterior(np.zeros(loaded.spec.layout.size))
        if loaded.formula is not None:
            computed = loaded.spec.encoding.text.offsets and not loaded.spec.encoding.extra_offset
            loaded.predict(np.zeros(loaded.k_fep), new_rows(), linear=True, offset=None if computed else 0.0)
        return "a model"
    str(loaded.summary())
    loaded.conf_int()
    loaded.predict()
    if loaded.model.formula is not None:
        for random in ("population", "conditional", "marginal"):
            loaded.predict(new_rows(), random=random)
    return sound(loaded, flagged=True)


def new_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {"x": [0.5, -1.0, 2.0], "g": ["a", "b", "z"], "f": ["u", "v", "w"], "u v": [1.0, 2.0, 3.0]}
    )


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """At most `MEMORY` more than is used now, so that whatever takes more is a MemoryError, which is a defect."""
    if not sys.platform.startswith("linux"):
        yield
        return
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def attacking(rng: np.random.Generator, content: bytes) -> bytes:
    """Files with code, or with sizes, that a reader might believe."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(parts["header.json"])
    how = rng.random()
    if how < 0.35:
        for _ in range(int(rng.integers(1, 4))):
            inject_anywhere(rng, header, pick(rng, CODE))
    elif how < 0.7:
        inject_everywhere(rng, header)
    elif how < 0.85:
        node, key = pick(rng, places(header))
        node[key] = pick(rng, LARGE)
    else:
        name = pick(rng, [n for n in parts if n != "header.json"])
        parts[name] = large_array(rng, parts[name])
    parts["header.json"] = json.dumps(header).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    raw = bytearray(out.getvalue())
    if how > 0.95:  # the sizes in the directory
        at = raw.rfind(pick(rng, list(parts)).encode()) - 46 + pick(rng, [20, 24, 42])
        raw[at : at + 4] = pick(rng, [b"\xfe\xff\xff\xff", b"\0\0\0\0", raw[at + 4 : at + 8], b"\0\0\0\x40"])
    return bytes(raw)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value of a tree, by what holds it and the key there."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else []
    return [place for key in keys for place in [(tree, key), *places(tree[key])]]


def inject_anywhere(rng: np.random.Generator, header: Any, code: str) -> None:
    """Code in the place of a text, or of a key."""
    texts = [(node, key) for node, key in places(header) if isinstance(node[key], str)]
    keys = [(node, key) for node, key in places(header) if isinstance(key, str)]
    if rng.random() < 0.8:
        node, key = pick(rng, texts)
        node[key] = pick(rng, [code, f"{node[key]} + {code}", f"I({code})", f"C({code})"])
    else:
        node, key = pick(rng, keys)
        node[code] = node.pop(key)


def inject_everywhere(rng: np.random.Generator, header: Any) -> None:
    """One expression replaced wherever it stands, so that the parts of the file agree."""
    old = pick(rng, ["C(f)", "center(x)", "np.exp(x / 9)", "x", "g"])
    code = pick(rng, CODE)
    new = pick(rng, [f"I({code})", f"C({code})", f"center({code})", f"np.log({code})", f"center(x, {code})"])
    for node, key in places(header):
        if isinstance(node[key], str):
            node[key] = new if node[key] == old else replaced(node[key], old, new)
        if isinstance(node, dict) and key == old:
            node[new] = node.pop(key)
    if old in ("x", "g"):  # is looked up
        for node, key in places(header):
            if node[key] == [new, "lookup", "unknown"]:
                node[key] = [new, "python", "unknown"]


def replaced(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w(.]){re.escape(old)}(?![\w(])", lambda _: new, text)


def large_array(rng: np.random.Generator, data: bytes) -> bytes:
    """A member that holds little and says much, or holds much and says little."""
    n = pick(
        rng,
        [
            "(10000000000,)",
            "(0, 10000000000000)",
            "(20,)",
            "(99999, 99999)",
            "(-1,)",
            "(True,)",
            "((20,),)",
            "(1e9,)",
        ],
    )
    kind = pick(rng, ["<f8", "<U100000000", "<U0", "|V9999999", "|O", "<M8[s]", "|S0", "<i4"])
    spaces = pick(rng, [0, 0, 100, 60_000])
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {n}, }}".encode() + b" " * spaces + b"\n"
    version = pick(rng, [b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00"])
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    if rng.random() < 0.1:
        length = b"\xff" * len(length)
    body = pick(rng, [data[128:], b"", b"\0" * 160, b"\0" * 20_000_000])
    return b"\x93NUMPY" + version + length + text + body


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


def swapped(rng: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Members of one file with the names of others, of the same file or of another."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(io.BytesIO(other)) as second:
        parts = {name: archive.read(name) for name in archive.namelist()}
        others = {name: second.read(name) for name in second.namelist()}
    for _ in range(int(rng.integers(1, 4))):
        one, another = pick(rng, list(parts)), pick(rng, list(parts))
        if rng.random() < 0.5:
            parts[one], parts[another] = parts[another], parts[one]
        else:
            parts[one] = others.get(one, pick(rng, list(others.values())))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


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
