"""Saved files, and what can be done to them."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

import mixed_glm as mg
from mixed_glm._formula import build

CANARY = "MIXED_GLM_CANARY"
EVIL = f"__import__('os').environ.__setitem__('{CANARY}', 'ran')"
DAMAGED = "is not a saved model, or is damaged"


def frame(n: int = 60, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "y": rng.poisson(2.0, n),
        "x": rng.normal(size=n),
        "t": rng.uniform(1, 3, n),
        "h": rng.integers(1, 5, n),
        "g": rng.choice(list("abcd"), n),
        "a b": rng.normal(size=n),
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 9, n), "D"),
    })  # fmt: skip


def saved(formula: str, path: Path, vc: dict[str, str] | None = None, **context: Any) -> Path:
    """A file that agrees with itself, as anybody can write one."""
    with mock.patch.object(build, "caller_context", return_value=context):
        model = mg.MixedGLM.from_formula(formula, vc, data=frame(), family="poisson")
    model.fit_laplace(integrate="mode").save(path)
    os.environ.pop(CANARY, None)
    return path


def rewritten(path: Path, change: Callable[[dict[str, Any]], object], **members: bytes | None) -> Path:
    """The file with another header, and with other members."""
    with zipfile.ZipFile(path) as old:
        parts: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
    header = json.loads(parts["header.json"] or b"")
    change(header)
    parts |= {"header.json": json.dumps(header).encode(), **members}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            if content is not None:
                new.writestr(name, content)
    return path


def encoding_of(header: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = header["model"]["dict"]["encoding"]["record"][1]
    return part


def cbpp_model(formula: str = "incidence ~ period + (1 | herd)") -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        formula, data=mg.datasets.load_cbpp(), family="binomial", n_trials="size", vcp_p=0.3
    )


def assert_same(one: mg.MixedGLMResults, other: mg.MixedGLMResults) -> None:
    """Equal to the last bit, whatever one asks of them."""
    assert type(one.posterior) is type(other.posterior)
    assert str(one.summary()) == str(other.summary())
    pd.testing.assert_frame_equal(one.to_frame(random=True), other.to_frame(random=True), check_exact=True)
    pd.testing.assert_frame_equal(one.random_effects(), other.random_effects(), check_exact=True)
    np.testing.assert_array_equal(np.asarray(one.cov_params()), np.asarray(other.cov_params()))
    np.testing.assert_array_equal(one.predict(), other.predict())
    for name in ("method", "log_density", "log_evidence", "elbo", "status", "converged", "n_iter"):
        assert getattr(one, name) == getattr(other, name), name
    assert repr(one) == repr(other)
    assert one.model.logposterior(one.params) == other.model.logposterior(other.params)
    for name in ("names", "endog_names", "formula", "n_missing", "response_levels", "family", "nobs"):
        assert getattr(one.model, name) == getattr(other.model, name), name
