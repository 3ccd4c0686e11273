"""The designs by name."""

from __future__ import annotations

from benchmarks.calibration.correlated import CorrelatedDesign
from benchmarks.calibration.crossed import ManyLevelsDesign
from benchmarks.calibration.designs import Design, UnitsDesign
from benchmarks.calibration.families import CumulativeDesign, ShapeDesign
from mixed_glm.priors import Exponential, HalfNormal

__all__ = ["DESIGNS"]

DESIGNS: dict[str, Design] = {
    design.name: design
    for design in (
        Design("binomial", "binomial", 200, (20,)),
        Design("binomial-thin", "binomial", 180, (60,)),
        Design("binomial-crossed", "binomial", 200, (20, 10)),
        Design("poisson", "poisson", 100, (20,)),
        Design("poisson-crossed", "poisson", 100, (20, 10)),
        UnitsDesign("binomial-units", "binomial", 200, (20,)),
        UnitsDesign("binomial-own-location", "binomial", 200, (20,), own_location=True),
        UnitsDesign("binomial-halfnormal", "binomial", 180, (60,), HalfNormal(1.0)),
        UnitsDesign("binomial-exponential", "binomial", 200, (20,), Exponential(1.0)),
        UnitsDesign("poisson-units", "poisson", 100, (20,)),
        UnitsDesign("poisson-halfnormal", "poisson", 100, (20,), HalfNormal(1.0)),
        UnitsDesign("poisson-exponential", "poisson", 100, (20,), Exponential(1.0)),
        ShapeDesign("gaussian", "gaussian", 200, (20,)),
        ShapeDesign("gamma", "gamma", 200, (20,)),
        ShapeDesign("negative-binomial", "negative_binomial", 200, (20,)),
        CumulativeDesign("cumulative", "cumulative", 200, (20,)),
        CumulativeDesign("cumulative-probit", "cumulative", 200, (20,), "probit"),
        CumulativeDesign("cumulative-cloglog", "cumulative", 200, (20,), "cloglog"),
        CorrelatedDesign("binomial-correlated", "binomial", 300, (30,)),
        CorrelatedDesign("poisson-correlated", "poisson", 200, (30,)),
        ManyLevelsDesign("binomial-crossed-many", "binomial", 2400, (120, 100)),
    )
}
