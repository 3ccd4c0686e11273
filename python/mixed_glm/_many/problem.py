"""What is the same for all responses, in a form that other processes can be sent, and the fit of a chunk."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from mixed_glm import _core
from mixed_glm._many.methods import Method
from mixed_glm._many.quantiles import mixture_quantiles, normal_quantiles
from mixed_glm._posterior.pull import fixed_pull, sd_pull
from mixed_glm._spec.design import core_arguments
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.layout import ParameterLayout
from mixed_glm._spec.priors import ModelPriors
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]

FIELDS = (
    "fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "cor_mean", "cor_sd", "family_mean", "family_sd", "log_evidence", "status",
    "n_iter",
)  # fmt: skip
PULL = "prior_pull"  # which is made of them
RANDOM_EFFECTS = ("vc_mean", "vc_sd")
QUANTILES = ("fe_quantiles", "vcp_quantiles", "cor_quantiles", "family_quantiles")
# Among the arguments of `_core.Model`.
PRIORS = ("fe_p", "sd_priors", "cor_priors", "family_priors", "thresholds")


@dataclass(frozen=True)
class Chunk:
    """Some of the responses, with what belongs to their rows.

    Attributes
    ----------
    start, stop : int
        Which ones.
    endog : float array, shape (n, stop - start), Fortran order
    trials, offset : float array of the same shape, or None
        None where one column stands for all responses.
    """

    start: int
    stop: int
    endog: Floats
    trials: Floats | None
    offset: Floats | None

    def fingerprint(self) -> str:
        """Short hash of the contents."""
        return fingerprint(self.endog, self.trials, self.offset)


@dataclass(frozen=True, eq=False)
class Problem:
    """A design, a family and a method, compact when it is pickled.

    Attributes
    ----------
    design : dict
        Arguments of `_core.Model` that do not depend on the response.
    family : Family
    method : Method
    trials, offset : float array, shape (n, 1)
        For responses that have none of their own.
    weights : float array, shape (n,)
    merge_rows : bool
        Whether equal rows are one; not where responses have offsets of their own.
    keep_random_effects : bool
    levels : tuple of float
        Probabilities that quantiles are kept of.
    change : Standardization or None
        Coordinates that the fixed effects are fitted in.
    priors : ModelPriors
    hyper : ParameterLayout
        Of the hyperparameters, without other parameters.
    """

    design: dict[str, Any]
    family: Family
    method: Method
    trials: Floats
    offset: Floats
    weights: Floats
    merge_rows: bool
    keep_random_effects: bool
    levels: tuple[float, ...]
    change: Standardization | None
    priors: ModelPriors
    hyper: ParameterLayout

    @classmethod
    def of(
        cls,
        spec: ModelSpec,
        method: Method,
        trials: Floats,
        offset: Floats,
        merge_rows: bool,
        keep: bool,
        levels: tuple[float, ...],
    ) -> Problem:
        """Take from `design` all but its response."""
        if spec.family.link == "identity":
            spec = _per_unit(spec)
        design, change = spec.design, spec.coordinates
        exog = design.exog if change is None else change.apply(design.exog)
        arrays = core_arguments(design, exog, change)
        if (arrays["vc_data"] == 1.0).all():
            del arrays["vc_data"]
        return cls(
            arrays, spec.family, method, trials[:, None], offset[:, None], design.weights(), merge_rows, keep, levels,
            change, design.priors, replace(spec.layout, fep_names=(), k_vc=0, vc_names=None),
        )  # fmt: skip

    @property
    def centred(self) -> bool:
        """Whether the prior of the constant is about the mean of each response."""
        return self.priors.constant >= 0

    @property
    def per_unit(self) -> bool:
        """Whether the priors are in units of each response: these are then fitted about their offsets, divided by their units."""
        return self.family.link == "identity" and self.priors.given == "none"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the arrays that a fit gives."""
        quantiles = (*QUANTILES, *(["vc_quantiles"] if self.keep_random_effects else []))
        return (
            *FIELDS, PULL, *(RANDOM_EFFECTS if self.keep_random_effects else ()), *(quantiles if self.levels else ()),
        )  # fmt: skip

    @functools.cached_property
    def parts(self) -> dict[str, str]:
        """All that the results depend on, but the responses: a text for each part, which is a hash for arrays."""
        design = [part for item in sorted(self.design.items()) if item[0] not in PRIORS for part in item]
        options = {f"option {name}": _text(value) for name, value in sorted(self.method.arguments.items())}
        quantiles = {"keep_quantiles": repr(self.levels)} if self.levels else {}
        return {
            "design": fingerprint(*design),
            "priors": fingerprint(
                *(self.design[name] for name in PRIORS if name in self.design), self._origin, self.centred
            ),
            "family": repr(self.family),
            "method": self.method.name,
            **options,
            "n_trials": _text(self.trials),
            "offset": _text(self.offset),
            "freq_weights": _text(self.weights),
            "an offset for each response": str(not self.merge_rows),
            "keep_random_effects": str(self.keep_random_effects),
            **quantiles,
        }

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of all that the results depend on, but the responses, with the version that makes them."""
        return fingerprint(_core.__version__, *self.parts.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def layout(self, size: int) -> dict[str, tuple[tuple[int, ...], npt.DTypeLike]]:
        """Shape and type of each array that the fit of so many responses gives; p counts thresholds, too."""
        p, k, q = len(self.design["fe_p"]), len(self.design["sd_priors"]), len(self.design["ident"])
        c = sum(order * (order - 1) // 2 for _, order in self.design.get("correlated", ()))
        shapes = len(self.family.shape_names)
        width = {"fe": (p,), "vcp": (k,), "cor": (c,), "vc": (q,), "prior": (p + k,), "family": (shapes,)}
        types = {"status": np.int8, "n_iter": np.int32}
        return {
            name: (
                (
                    size,
                    *([len(self.levels)] if name.endswith("quantiles") else []),
                    *width.get(name.partition("_")[0], ()),
                ),
                types.get(name, np.float64),
            )
            for name in self.fields
        }

    def require_result(self, chunk: Chunk, result: Any) -> None:
        """Check that this is what the fit of a chunk gives, wherever it comes from.

        Raises
        ------
        ValueError
            If an array is missing, or has another shape or type.
        """
        arrays = result if isinstance(result, dict) else {}
        for name, (shape, dtype) in self.layout(chunk.stop - chunk.start).items():
            array = arrays.get(name)
            if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shape, np.dtype(dtype)):
                got = getattr(array, "shape", None), str(getattr(array, "dtype", type(array).__name__))
                raise ValueError(
                    f"the result of a fit should have {name} of shape {shape} and type {np.dtype(dtype)}, got {got[0]} "
                    f"and {got[1]}"
                )

    def fitter(self) -> _core.ManyFitter:
        """The compiled design, ready to fit; several threads may use it at a time."""
        n = len(self.weights)
        data = {"vc_data": np.ones(len(self.design["vc_indices"]))} | self.design
        if self.priors.thresholds:
            data["thresholds"] = np.zeros(self.priors.thresholds)  # each response has its own
        core = _core.Model(
            endog=np.full(n, self.family.placeholder), trials=np.ones(n), weights=self.weights, offset=self.offset[:, 0],
            family=self.family.core, merge_rows=self.merge_rows, any_response=self.family.is_ordinal, **data,
        )  # fmt: skip
        levels = np.array(self.levels)
        way = np.empty((0, 0)) if self.change is None else self.change.matrix
        return _core.ManyFitter(core, self.method.core(), levels=levels, normal_levels=ndtri(levels), way=way)

    def fit(self, fitter: _core.ManyFitter, chunk: Chunk, n_jobs: int) -> Arrays:
        """Fit the responses of a chunk; one row for each in every array."""
        if not self.per_unit:
            return self._fit(fitter, chunk, n_jobs)
        offset = self.offset if chunk.offset is None else chunk.offset
        units = _core.response_scales(
            family=self.family.core, endog=chunk.endog, weights=self.weights, offset=np.asfortranarray(offset)
        )
        endog, zero = np.asfortranarray((chunk.endog - offset) / units), np.zeros_like(self.offset)
        arrays = self._fit(fitter, replace(chunk, endog=endog, offset=zero), n_jobs)
        return _in_units(arrays, units, self.weights.sum())

    def _fit(self, fitter: _core.ManyFitter, chunk: Chunk, n_jobs: int) -> Arrays:
        offset = self.offset if chunk.offset is None else chunk.offset
        trials = self.trials if chunk.trials is None else chunk.trials
        origins, shift = self._origins(chunk.endog, trials, offset)
        results = fitter.fit(
            endog=chunk.endog,
            trials=trials,
            offset=offset
            if self._row_shift is None
            else np.asfortranarray(offset + self._row_shift[:, None]),
            weights=self.weights,
            shift=shift,
            n_jobs=n_jobs,
            keep_random_effects=self.keep_random_effects,
            keep_covariances=True,
        )
        made_here = (PULL, *QUANTILES, "vc_quantiles")
        arrays = {name: np.asarray(getattr(results, name)) for name in self.fields if name not in made_here}
        arrays[PULL] = self._pull(results)
        if self.change is not None:
            arrays["fe_mean"], arrays["fe_sd"] = self._back(results.fe_mean + origins, results.fe_cov)
        return arrays | self._quantiles(results, origins, arrays)

    def _quantiles(self, results: _core.ManyResults, origins: Floats, arrays: Arrays) -> Arrays:
        """Those that are kept."""
        if not self.levels:
            return {}
        if self.method.kind == "marginal":
            if self.change is not None:
                origins = _core.coefficients_back(self.change.matrix, np.empty(0), origins)
            found = mixture_quantiles(results, self.hyper, self.levels, origins)
        else:
            found = {
                f"{part}_quantiles": normal_quantiles(
                    arrays[f"{part}_mean"], arrays[f"{part}_sd"], self.levels
                )
                for part in ("fe", "vcp", "cor", "family", *(["vc"] if self.keep_random_effects else []))
            }
        return {name: values for name, values in found.items() if name in self.fields}

    def _pull(self, results: _core.ManyResults) -> Floats:
        """How far the priors move each fixed effect and log standard deviation, shape (m, p + K)."""
        scale = self.design["fe_p"]
        way = FixedPrior(scale, self.change).from_standard(np.eye(len(scale)))
        spread = results.fe_cov.reshape(len(results.fe_mean), len(scale), len(scale)) / np.outer(scale, scale)
        of_sds = sd_pull(results.vcp_mean, results.vcp_sd, self.priors)
        if (
            self.method.name == "map"
        ):  # whose log standard deviations are drawn to a collapse, not to the prior
            of_sds *= 0.0
        return np.hstack([fixed_pull(results.fe_mean / scale, spread, way), of_sds])

    @property
    def _origin(self) -> Floats:
        """Of the coefficients that are fitted, shape (p,); of the constant, zero where it depends on the response."""
        if self.change is None or self.change.origin is None:
            return np.zeros(len(self.design["fe_p"]))
        origin = self.change.origin.copy()
        if self.centred:
            first = self.priors.constant if self.priors.thresholds else self.change.constant
            origin[first : first + max(self.priors.thresholds, 1)] = 0.0
        return origin

    @functools.cached_property
    def _row_shift(self) -> Floats | None:
        """What the origin adds to each row for all responses, shape (n,)."""
        of_columns = self._origin[self.priors.thresholds :]
        return self.design["exog"] @ of_columns if of_columns.any() else None

    def _origins(self, endog: Floats, trials: Floats, offset: Floats) -> tuple[Floats, Floats]:
        """Origin of the coefficients of each response, shape (m, p) or (1, p), and what that of the constant adds, (m,).

        Ordinal: the origins of the thresholds, shape (m, C - 1), in the place of the latter.
        """
        origins = self._origin[None, :]
        if self.priors.thresholds:
            return self._ordinal_origins(endog, offset)
        if not self.centred or self.change is None:
            return origins, np.empty(0)
        shift = _core.response_locations(
            family=self.family.core, endog=endog, trials=trials, weights=self.weights,
            offset=offset if offset.any() else np.empty((0, 0)),
        )  # fmt: skip
        origins = np.repeat(origins, endog.shape[1], axis=0)
        constant = self.change.constant
        origins[:, constant] = shift / self.design["exog"][:, constant].mean()
        return origins, shift

    def _ordinal_origins(self, endog: Floats, offset: Floats) -> tuple[Floats, Floats]:
        origins = np.repeat(self._origin[None, :], endog.shape[1], axis=0)
        last = self.priors.thresholds
        if self.centred:
            origins[:, :last] = _core.threshold_locations(
                family=self.family.core, endog=endog, weights=self.weights,
                offset=offset if offset.any() else np.empty((0, 0)),
            )  # fmt: skip
        return origins, np.ascontiguousarray(origins[:, :last])

    def _back(self, coefficients: Floats, covariances: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations of the coefficients on the columns as given, shape (m, p) each."""
        assert self.change is not None
        way, p = self.change.matrix, len(self.change.scale)
        variances = np.einsum("ij,mjk,ik->mi", way, covariances.reshape(-1, p, p), way)
        return _core.coefficients_back(way, np.empty(0), coefficients), np.sqrt(variances)


def _per_unit(spec: ModelSpec) -> ModelSpec:
    """With priors of responses of unit one, where they are in units of the response.

    Raises
    ------
    ValueError
        If only some of them are.
    """
    priors = spec.design.priors
    if priors.given == "all":
        return spec
    if priors.given == "some":
        raise ValueError(
            "fit_many: with a Gaussian response give no priors, which are then in units of each response, or all of them, in "
            f"units of the linear predictor: fe_p, vcp_p and priors={{{spec.family.shape_names[0]!r}: ...}}"
        )
    return replace(spec, design=replace(spec.design, priors=priors.per_unit()))


def _in_units(arrays: Arrays, units: Floats, rows: float) -> Arrays:
    """Results of responses that were divided by `units`, shape (m,), as of the responses themselves."""
    back = dict(arrays)
    for name, values in arrays.items():
        block, _, what = name.partition("_")
        unit = units.reshape(-1, *[1] * (values.ndim - 1))
        if block in ("fe", "vc") and what:
            back[name] = values * unit
        elif block in ("vcp", "family") and what != "sd":
            back[name] = values + np.log(unit)
    back["log_evidence"] = back["log_evidence"] - rows * np.log(units)
    return back


@functools.lru_cache(maxsize=2)
def _fitter(problem: Problem) -> _core.ManyFitter:
    return problem.fitter()


def fit_chunk(problem: Problem, chunk: Chunk, n_jobs: int) -> Arrays:
    """Fit a chunk in whatever process this is; the compiled design is kept there for the next chunk."""
    return problem.fit(_fitter(problem), chunk, n_jobs)


def _text(value: Any) -> str:
    """Of an option: equal numbers have equal texts."""
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    return repr(value.item() if isinstance(value, np.generic) else value)


def fingerprint(*parts: Any) -> str:
    """Hash of arrays and of anything with a faithful repr."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part.T).data)  # without a copy in Fortran order
        else:
            digest.update(repr(part).encode())
        digest.update(b";")
    return digest.hexdigest()
