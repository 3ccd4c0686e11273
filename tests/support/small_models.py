"""Random small models as keyword arguments of `MixedGLM`, and hypothesis strategies for them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import sparse
from simulated import FAMILIES, draw

import mixed_glm as mg


def simulate(
    family: str,
    seed: int,
    n: int = 40,
    p: int = 2,
    sizes: tuple[int, ...] = (6,),
    trials: int = 1,
    slope: bool = False,
) -> dict[str, Any]:
    """Data of a model with `sizes` levels a factor (crossed), and a random slope on the first if `slope`."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, max(p - 1, 0)))])[:, :p]
    blocks = [np.eye(size)[rng.integers(size, size=n)] for size in sizes]
    if slope and blocks:
        blocks.append(blocks[0] * rng.normal(size=n)[:, None])
    z = np.hstack(blocks) if blocks else np.zeros((n, 0))
    ident = np.repeat(np.arange(len(blocks)), [b.shape[1] for b in blocks])
    eta = x @ np.linspace(0.4, -0.5, p) + z @ rng.normal(scale=0.7, size=z.shape[1])
    arguments: dict[str, Any] = {
        "endog": draw(family, eta, rng, trials),
        "exog": x,
        "family": FAMILIES[family](),
    }
    if blocks:
        arguments |= {"exog_vc": z, "ident": ident}
    if trials != 1:
        arguments["n_trials"] = np.full(n, trials)
    return arguments


@st.composite
def models(
    draw_: st.DrawFn, families: tuple[str, ...] = tuple(FAMILIES), least_components: int = 1, least_p: int = 0
) -> dict[str, Any]:
    """Arguments of a random model."""
    family = draw_(st.sampled_from(families))
    return simulate(
        family,
        seed=draw_(st.integers(0, 2**20)),
        n=draw_(st.integers(3, 60)),
        p=draw_(st.integers(least_p, 3)),
        sizes=tuple(draw_(st.lists(st.integers(2, 8), min_size=least_components, max_size=2))),
        trials=draw_(st.sampled_from([1, 7])) if family.startswith("binomial") else 1,
        slope=draw_(st.booleans()),
    )


def make(arguments: dict[str, Any], **changes: Any) -> mg.MixedGLM:
    """The model, whatever the rank of its fixed-effects columns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.RankDeficiencyWarning)
        return mg.MixedGLM(**arguments | changes)


def a_point(model: mg.MixedGLM, seed: int, scale: float = 0.7) -> np.ndarray:
    """Fixed effects, log standard deviations and random effects that are nothing special."""
    return scale * np.random.default_rng(seed).normal(size=model.k_fep + model.k_vcp + model.k_vc)


def rows_of(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """The same model with other rows."""
    by_row = {"endog", "exog", "exog_vc", "n_trials", "offset", "freq_weights", "exposure"}
    return {k: (sparse.csr_array(v)[rows] if sparse.issparse(v) else v[rows]) if k in by_row else v
            for k, v in arguments.items()}  # fmt: skip
