"""Small models that any process can make again, and a digest of what their fits say."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import mixed_glm as mg

SUPPORT = Path(__file__).parent

FITS = {
    "map": lambda m: m.fit_map(),
    "vb": lambda m: m.fit_vb(),
    "vb full": lambda m: m.fit_vb(covariance="full"),
    "laplace": lambda m: m.fit_laplace(),
    "leaf": lambda m: m.fit_laplace(n_quad=9),
    "ep": lambda m: m.fit_ep(),
    "auto": lambda m: m.fit(),
}


def arguments(
    n: int = 3000, sizes: tuple[int, ...] = (150, 30), family: str = "binomial", seed: int = 1
) -> dict[str, Any]:
    """Of a model with crossed factors and two fixed effects."""
    rng = np.random.default_rng(seed)
    columns = np.column_stack([rng.integers(k, size=n) for k in sizes]) + np.r_[0, np.cumsum(sizes)[:-1]]
    z = sparse.csr_array(
        (np.ones(columns.size), columns.ravel(), np.arange(n + 1) * len(sizes)), shape=(n, sum(sizes))
    )
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    eta = x @ [0.3, -0.4] + z @ rng.normal(scale=0.7, size=z.shape[1])
    y = rng.random(n) < 1 / (1 + np.exp(-eta)) if family == "binomial" else rng.poisson(np.exp(eta))
    ident = np.repeat(np.arange(len(sizes)), sizes)
    return {"endog": y.astype(float), "exog": x, "exog_vc": z, "ident": ident, "family": family}


def a_model(*shape: Any, **options: Any) -> mg.MixedGLM:
    """The model itself; `arguments` says of what."""
    return mg.MixedGLM(**arguments(*shape, **options))


def digest(result: mg.MixedGLMResults) -> str:
    """Equal for results that are equal to the last bit."""
    parts = [
        result.params,
        result.bse,
        np.array([result.log_density, result.log_evidence or 0.0, result.n_iter]),
    ]
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()


def digests(n: int = 600, sizes: tuple[int, ...] = (40, 8)) -> dict[str, str]:
    """Of every kind of fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        return {f"{family} {name}": digest(fit(a_model(n, sizes, family)))
                for family in ("binomial", "poisson") for name, fit in FITS.items()}  # fmt: skip


def script(code: str) -> list[str]:
    """Command that runs Python code which can import these helpers."""
    return [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\n{textwrap.dedent(code)}",
    ]


def run(code: str, **environment: str) -> str:
    """Output of Python code in a process of its own, which must end well."""
    done = subprocess.run(
        script(code),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
