"""Tables of what is not a fit of one problem by all packages: many responses, kernels, memory, accuracy."""

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
    best = found.loc[found.groupby(["peer", "jobs"])["wall"].idxmin()].sort_values("fits_per_second")
    rows = [
        (
            row.peer,
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
        "package", "version", "jobs", "responses", "fits / s", "fits / s and core", "median difference in beta",
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


def accuracy(records: Sequence[Record]) -> str:
    """Largest errors against long NUTS runs."""
    rows = [
        (
            r["data"],
            r["method"],
            *(f"{r[key]:.3f}" for key in ("beta_z", "psi_z", "u_z", "beta_sd", "psi_sd")),
        )
        for r in of_kind(records, "accuracy")
    ]
    header = ("data", "method", "beta", "psi", "u", "sd of beta", "sd of psi")
    return tables.markdown(header, rows) if rows else ""


OTHERS: dict[str, Callable[[Sequence[Record]], str]] = {
    "many": many, "kernels": kernels, "accuracy": accuracy, "memory": memory,
}  # fmt: skip
