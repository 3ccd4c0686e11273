"""Crossed factors of which the fit is forced through conjugate gradients and probes, as those with many more levels are."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.calibration.designs import Design

__all__ = ["ManyLevelsDesign"]


@dataclass(frozen=True)
class ManyLevelsDesign(Design):
    """Factors with so many levels that probes have something to estimate, and so few that many data sets can be fitted."""

    @property
    def methods(self) -> tuple[str, ...]:
        """By the exact factor and by probes, on the same data."""
        return ("laplace", "ep", "laplace_probes", "ep_probes")
