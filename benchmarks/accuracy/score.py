"""Score mixed_glm's posteriors against the references.

    python -m benchmarks.accuracy.score --data DIR [--methods laplace,leaf,ep] [--json FILE] [NAME ...]

Methods: auto, map, vb, vb_full, laplace, leaf, ep; with a number of nodes as leaf:9 or ep:7; with the way psi is
integrated as laplace/ccd or ep:7/mode; leaf@1 takes component 1 as the leaf. Columns, for each of beta, psi and u:

    z    max |mean - reference| / reference sd
    sd   max |log(sd / reference sd)|
    mc   largest Monte-Carlo error of the reference's means, in its sd (of beta and psi; the effects' are like it)

and the time of the fit, of a model constructed before, in seconds on this machine.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import mixed_glm as mg
from benchmarks.results import Record, append

COLUMNS = ("beta_z", "beta_sd", "psi_z", "psi_sd", "u_z", "u_sd", "mc", "seconds")
SPEC = re.compile(r"(?P<name>\w+)(@(?P<leaf>\d+))?(:(?P<nodes>\d+))?(/(?P<integrate>\w+))?$")


def load(path: Path, name: str) -> tuple[mg.MixedGLM, dict[str, Any]]:
    """The model, and the reference."""
    with np.load(path / f"{name}.ref.npz") as f:
        reference = {key: f[key] for key in f.files}
    with np.load(path / f"{name}.npz") as f:
        z = sp.csr_array((f["Z_data"], f["Z_indices"], f["Z_indptr"]), shape=tuple(f["Z_shape"]))
        binomial = str(f["family"]) == "binomial"
        link = str(f["link"]) if "link" in f.files else "logit"
        model = mg.MixedGLM(
            f["y"], f["X"], z, f["ident"],
            family=mg.families.Binomial(link) if binomial else mg.families.Poisson(),
            vcp_p=float(reference["vcp_p"]), fe_p=float(reference["fe_p"]),
            offset=f["offset"] if np.any(f["offset"]) else None,
            n_trials=f["n_trials"] if binomial and np.any(f["n_trials"] != 1) else None,
        )  # fmt: skip
    return model, reference


def fit(model: mg.MixedGLM, spec: str) -> Any:
    """By one of the methods above."""
    match = SPEC.match(spec)
    if match is None:
        raise ValueError(f"no such method: {spec!r}")
    name, options = match["name"], {}
    if match["integrate"]:
        options["integrate"] = match["integrate"]
    if name == "leaf":
        leaf = "auto" if match["leaf"] is None else int(match["leaf"])
        return model.fit_laplace(n_quad=int(match["nodes"] or 25), leaf=leaf, **options)
    if name == "vb_full":
        return model.fit_vb(covariance="full")
    if match["nodes"]:
        options["n_quad"] = int(match["nodes"])
    return model.fit(method=name, **options)


def scores(result: Any, reference: dict[str, Any]) -> dict[str, Any]:
    """Errors of each block."""
    p, k = int(reference["p"]), int(reference["k"])
    mean = np.concatenate([result.fe_mean, result.vcp_mean, result.vc_mean])
    sd = np.concatenate([result.fe_sd, result.vcp_sd, result.vc_sd])
    with np.errstate(all="ignore"):
        z = (mean - reference["mean"]) / reference["sd"]
        ratio = np.log(sd / reference["sd"])
    z, ratio = (np.where(np.isfinite(x), x, np.inf) for x in (z, ratio))
    out: dict[str, Any] = {"psi_signed": z[p : p + k].tolist(), "psi_sd_signed": ratio[p : p + k].tolist()}
    for name, block in {"beta": slice(0, p), "psi": slice(p, p + k), "u": slice(p + k, None)}.items():
        out[f"{name}_z"], out[f"{name}_sd"] = float(abs(z[block]).max()), float(abs(ratio[block]).max())
        out[f"{name}_rms"] = float(np.sqrt(np.mean(z[block] ** 2)))
    out["mc"] = float((reference["mcse_mean"] / reference["sd"])[: p + k].max())
    return out


def run(data: Path, name: str, spec: str) -> dict[str, Any]:
    """Scores, seconds and warnings of one method on one problem."""
    model, reference = load(data, name)
    model.core()
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = fit(model, spec)
        except (
            AttributeError,
            RuntimeError,
            ValueError,
        ) as error:  # a problem that cannot be fitted is a row of the table, not its end
            return dict.fromkeys(COLUMNS, float("inf")) | {
                "note": f"{type(error).__name__}: {str(error)[:90]}"
            }
    seconds = time.perf_counter() - began
    note = "; ".join(sorted({str(w.message)[:100] for w in caught}))
    return scores(result, reference) | {
        "seconds": seconds,
        "note": note,
        "method": getattr(result, "method", ""),
    }


def _record(key: str, row: dict[str, Any]) -> Record:
    spec, data = key.split()
    numbers = {c: row[c] if math.isfinite(row[c]) else None for c in COLUMNS}
    return {"kind": "accuracy", "method": spec, "data": data, "chosen": row.get("method", "")} | numbers


def main(given: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--methods", default="laplace,leaf,ep")
    parser.add_argument("--json", type=Path, help="also write the scores here")
    parser.add_argument("--to", type=Path, help="also append them to this file of results; see ../README.md")
    arguments = parser.parse_args(given)
    found = (f.name.removesuffix(".ref.npz") for f in arguments.data.glob("*.ref.npz"))
    names = arguments.names or sorted(name for name in found if "." not in name)
    everything = {}
    for spec in arguments.methods.split(","):
        print(f"{spec:22s}" + "".join(f"{c:>9s}" for c in COLUMNS))
        rows = []
        for name in names:
            row = run(arguments.data, name, spec)
            rows.append(row)
            everything[f"{spec} {name}"] = row
            print(
                f"  {name:20s}" + "".join(f"{row[c]:9.3f}" for c in COLUMNS) + f"  {row['note']}", flush=True
            )
        for title, statistic in (("MEDIAN", np.median), ("WORST", np.max)):
            print(f"  {title:20s}" + "".join(f"{statistic([r[c] for r in rows]):9.3f}" for c in COLUMNS))
    if arguments.to:
        append(arguments.to, (_record(key, row) for key, row in everything.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
