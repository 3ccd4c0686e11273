"""Real data sets with long NUTS runs as references; they are kept outside of the repository.

MIXED_GLM_REFERENCE_DATA names their folder; without it, "shared/data" next to the repository is tried.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import mixed_glm as mg

FOLDER = Path(
    os.environ.get("MIXED_GLM_REFERENCE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
QUANTILES = {"q025": 0.025, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q975": 0.975}


@dataclass
class Problem:
    """Arrays of one data set; reference: mean, sd, quantiles, ... over (beta, psi, u)."""

    y: np.ndarray
    x: np.ndarray
    z: sp.csr_array
    ident: np.ndarray
    offset: np.ndarray
    trials: np.ndarray
    family: str
    reference: dict[str, np.ndarray]

    @property
    def blocks(self) -> dict[str, slice]:
        p, k = self.x.shape[1], int(self.ident.max()) + 1
        return {"beta": slice(0, p), "psi": slice(p, p + k), "u": slice(p + k, None)}

    def check(self, result, bars) -> None:
        """Errors of a fit against NUTS: means of beta, psi, u in posterior sd; then log ratios of their sds."""
        off = np.abs(result.params - self.reference["mean"]) / self.reference["sd"]
        ratio = np.abs(np.log(result.bse / self.reference["sd"]))
        for (name, block), bar, sd_bar in zip(self.blocks.items(), bars[:3], bars[3:], strict=True):
            assert off[block].max() < bar, name
            assert ratio[block].max() < sd_bar, name

    def model(self, **options) -> mg.MixedGLM:
        options = {"vcp_p": float(self.reference["vcp_p"]), "fe_p": float(self.reference["fe_p"])} | options
        if np.any(self.offset):
            options.setdefault("offset", self.offset)
        if np.any(self.trials != 1):
            options["n_trials"] = self.trials
        return mg.MixedGLM(
            self.y, options.pop("exog", self.x), self.z, self.ident, family=self.family, **options
        )


def load(name: str, reference: str | None = None) -> Problem:
    """A data set, or a skipped test where it is not there."""
    path = FOLDER / f"{name}.npz"
    reference_path = FOLDER / f"{reference or name}.ref.npz"
    if not (path.exists() and reference_path.exists()):
        pytest.skip(f"no {path.name} with reference (set MIXED_GLM_REFERENCE_DATA)")
    with np.load(path) as f:
        z = sp.csr_array((f["Z_data"], f["Z_indices"], f["Z_indptr"]), shape=tuple(f["Z_shape"]))
        arrays = {key: f[key] for key in ("y", "X", "ident", "offset", "n_trials")}
        family = str(f["family"])
    with np.load(reference_path) as f:
        kept = {key: f[key] for key in f.files if f[key].dtype.kind == "f"}
    return Problem(
        arrays["y"], arrays["X"], z, arrays["ident"], arrays["offset"], arrays["n_trials"], family, kept
    )  # fmt: skip
