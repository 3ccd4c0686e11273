"""Tables of what is not a fit of one problem by all packages: many responses, what follows a fit, kernels, memory, accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from benchmarks import tables
from benchmarks.results import Record, of_kind

__all__ = ["OTHERS"]


def many(records: Sequence[Record]) -> str:
    """Fits a second, on the clock and for each second of processor time."""
    found = pd.DataFrame(of_kind(records, "many"))
    if found.empty:
        return ""
    best = found.loc[found.groupby(["peer", "work", "jobs"])["wall"].idxmin()].sort_values("fits_per_second")
    rows = [
        (
            row.peer,
            row.work,
            row.version,
            str(row.jobs),
            f"{row.responses:,}",
            f"{row.fits_per_second:,.0f}",
            f"{row.fits_per_core_second:,.0f}",
            f"{row.difference:.4f}",
        )
        for row in best[::-1].itertuples()
    ]
    header = (
        "package", "work", "version", "jobs", "responses", "fits / s", "fits / s and core", "median difference in beta",
    )  # fmt: skip
    return tables.markdown(header, rows)


def memory(records: Sequence[Record]) -> str:
    """Peak memory beyond the input, as a multiple of it."""
    rows = [
        (r["work"], f"{r['input'] / 1e6:.0f} MB", f"{r['peak'] / 1e6:.0f} MB", f"{r['peak'] / r['input']:.2f}",
         tables.seconds(r["cpu"]))
        for r in of_kind(records, "memory")
    ]  # fmt: skip
    return tables.markdown(("work", "input", "peak beyond it", "multiple", "time"), rows) if rows else ""


def after(records: Sequence[Record]) -> str:
    """What is done with a fit: time and memory beyond the fit."""
    rows = [
        (r["work"], tables.seconds(r["cpu"]), f"{r['peak'] / 1e6:.0f} MB") for r in of_kind(records, "after")
    ]
    return tables.markdown(("work", "time", "peak beyond the fit"), rows) if rows else ""


def threads(records: Sequence[Record]) -> str:
    """The best time on the clock for each number of threads, and how it compares with one."""
    found = pd.DataFrame(of_kind(records, "threads"))
    if found.empty:
        return ""
    best = found.pivot_table("wall", ["problem", "rows"], "jobs", "min", sort=False)
    rows = [
        (
            problem,
            f"{rows:,}",
            *(tables.seconds(seconds) for seconds in times),
            *(f"{times.iloc[0] / seconds:.2f}" for seconds in times.iloc[1:]),
        )
        for (problem, rows), times in best.iterrows()
    ]
    more = [f"gain of {jobs}" for jobs in best.columns[1:]]
    return tables.markdown(("problem", "rows", *(f"threads: {jobs}" for jobs in best.columns), *more), rows)


def kernels(records: Sequence[Record]) -> str:
    """Each kernel beside the fastest the machine could do it."""
    rows = [
        (
            r["kernel"],
            r["size"],
            tables.seconds(r["seconds"]),
            r["bound"],
            tables.seconds(r["bound_seconds"]),
            f"{r['seconds'] / r['bound_seconds']:.1f}",
        )
        for r in of_kind(records, "kernel")
    ]
    header = ("kernel", "size", "time", "limit", "its time", "times the limit")
    return tables.markdown(header, rows) if rows else ""


ERRORS = {"beta_z": "beta", "psi_z": "psi", "u_z": "u", "beta_sd": "sd of beta", "psi_sd": "sd of psi"}
METHOD_NAMES = {"auto": "fit", "leaf": "fit_laplace(n_quad=25)", "vb_full": "fit_vb(covariance='full')"}


def accuracy(records: Sequence[Record]) -> str:
    """Errors against long NUTS runs: of means in posterior sds, of sds as |log ratio|; the worst parameter."""
    rows = [
        (r["data"], METHOD_NAMES.get(r["method"], f"fit_{r['method']}"), *(_error(r[key]) for key in ERRORS))
        for r in of_kind(records, "accuracy")
    ]
    return tables.markdown(("data", "method", *ERRORS.values()), rows) if rows else ""


def _error(value: float | None) -> str:
    return "failed" if value is None else f"{value:.3f}"


OTHERS: dict[str, Callable[[Sequence[Record]], str]] = {
    "many": many, "threads": threads, "kernels": kernels, "accuracy": accuracy, "memory": memory,
    "after": after,
}  # fmt: skip
