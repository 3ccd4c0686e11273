"""Write saved results, and what they must say when they are read again, into tests/data.

    python tests/support/make_saved_files.py 1

To be run once for every version of the format, with the first release that has it; its files are kept for good.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import mixed_glm as mg

DATA = Path(__file__).parents[1] / "data"
FORMULA = (
    "y ~ bs(x, df=4, lower_bound=-5, upper_bound=5) + center(t):C(h, contr.sum) + I(x * t * k) + offset(np.log(t))"
    " + (1 | day) + (0 + x || g/h)"
)


def model() -> mg.MixedGLM:
    rng = np.random.default_rng(1)
    n = 80
    data = pd.DataFrame({
        "y": rng.poisson(2.0, n),
        "x": rng.normal(size=n).round(3),
        "t": rng.uniform(1, 3, n).round(3),
        "g": rng.choice(["north", "south", "west", "ä"], n),
        "h": pd.Categorical(rng.integers(1, 5, n)),
        "day": pd.date_range("2026-01-01", periods=5)[rng.integers(0, 5, n)],
    })  # fmt: skip
    k = 2.0  # noqa: F841  (the formula refers to it)
    return mg.MixedGLM.from_formula(FORMULA, data=data, family="poisson", vcp_p=0.5)


def main(version: str) -> None:
    new = pd.DataFrame({"x": [0.5, -1.0], "t": [1.5, 2.5], "h": [2, 4]})
    results = {
        "laplace": model().fit_laplace(integrate="ccd"),
        "vb_full": model().fit_vb(covariance="full", scale_fe=True),
        "vb": model().fit_vb(scale_fe=True),
    }
    for name, result in results.items():
        stem = DATA / f"format_{version}_{name}"
        result.save(stem.with_suffix(".mglm"))
        interval = result.conf_int()
        expected = {
            "new": new.to_dict("list"),
            "predicted": np.asarray(result.model.family.mean(result.predict(new, linear=True))).tolist(),
            "conf_int": interval.to_numpy().tolist(),
            "names": list(interval.index),
            "log_evidence": result.log_evidence,
        }
        stem.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
