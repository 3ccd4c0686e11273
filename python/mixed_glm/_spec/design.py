"""Everything that a model is made of, checked and brought into one form."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm import _core
from mixed_glm._console.caller import warn
from mixed_glm._input import arrays as check
from mixed_glm._input.ordinal import as_ordinal, require_categories
from mixed_glm._input.owned import owned, owned_sparse, protect
from mixed_glm._input.response import as_counts, as_response
from mixed_glm._spec.correlated import as_correlated
from mixed_glm._spec.priors import Defaults, ModelPriors, resolve_priors
from mixed_glm._spec.rank import dependent_columns
from mixed_glm._spec.standardization import Standardization
from mixed_glm._spec.terms import CorrelatedTerm
from mixed_glm.exceptions import RankDeficiencyWarning
from mixed_glm.families import Binomial, Cumulative, Family

Floats = npt.NDArray[np.float64]
ValueT = TypeVar("ValueT")

_NONE = np.empty(0)

# What has a value for each row, beside exog.
_BY_ROW = ("endog", "exog_vc", "n_trials", "freq_weights", "offset", "exposure")


@dataclass(frozen=True)
class Design:
    """A checked model specification with n observations, p fixed effects, q random effects, K components.

    Its arrays are its own, and read-only.

    Attributes
    ----------
    endog : float array, shape (n,)
        Responses; numbers of successes for the binomial family, of categories from 0 for the cumulative family.
    exog : float array, shape (n, p), Fortran order
    exog_vc : csr_array, shape (n, q)
        Rows sorted, without duplicates or stored zeros.
    ident : int32 array, shape (q,)
        Component of each random effect, 0..K-1.
    n_trials, freq_weights, offset, exposure : float array, shape (n,), or None
        As given.
    priors : ModelPriors
    fep_names, vcp_names : list of str
    vc_names : list of str, or None
    response_levels : tuple of str, or None
        Failure and success of a binomial response given as labels, or made of labels by a formula; categories of an ordinal one.
    correlated : tuple of CorrelatedTerm
        Terms of correlated effects; all other effects are independent.
    """

    endog: Floats
    exog: Floats
    exog_vc: sparse.csr_array
    ident: npt.NDArray[np.int32]
    n_trials: Floats | None
    freq_weights: Floats | None
    offset: Floats | None
    exposure: Floats | None
    priors: ModelPriors
    fep_names: list[str]
    vcp_names: list[str]
    vc_names: list[str] | None
    response_levels: tuple[str, ...] | None
    correlated: tuple[CorrelatedTerm, ...] = ()

    def __post_init__(self) -> None:
        protect(*self.__dict__.values())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"correlated": ()} | state)
        self.__post_init__()

    def total_offset(self) -> Floats | None:
        """Offset plus log exposure, shape (n,); None if the model has neither."""
        return _total_offset(self.offset, self.exposure)

    def trials(self) -> Floats:
        """Numbers of trials, shape (n,): ones where none were given."""
        return np.ones(len(self.endog)) if self.n_trials is None else self.n_trials

    def weights(self) -> Floats:
        """Frequency weights, shape (n,): ones where none were given."""
        return np.ones(len(self.endog)) if self.freq_weights is None else self.freq_weights

    def of_rows(self, rows: npt.NDArray[np.intp]) -> Design:
        """Some of the rows, with the same effects and priors."""
        kept = {name: getattr(self, name) for name in _BY_ROW}
        arrays: dict[str, Any] = {k: None if v is None else v[rows] for k, v in kept.items()}
        return dataclasses.replace(self, exog=np.asfortranarray(self.exog[rows]), **arrays)


def make_design(endog: Any, exog: Any, exog_vc: Any, ident: Any, family: Family, **arguments: Any) -> Design:
    """As `checked_design`, and look at the rank of `exog`.

    Warns
    -----
    RankDeficiencyWarning
        If the columns of `exog` are linearly dependent.
    """
    design = checked_design(endog, exog, exog_vc, ident, family, **arguments)
    _warn_if_rank_deficient(design.exog, design.fep_names, family.is_ordinal)
    return design


def checked_design(
    endog: Any,
    exog: Any,
    exog_vc: Any,
    ident: Any,
    family: Family,
    *,
    vcp_p: Any = None,
    fe_p: Any = None,
    priors: Mapping[str, Any] | ModelPriors | None = None,
    fep_names: Any = None,
    vcp_names: Any = None,
    vc_names: Any = None,
    offset: Any = None,
    exposure: Any = None,
    n_trials: Any = None,
    freq_weights: Any = None,
    response_levels: tuple[str, ...] | None = None,
    levels: Any = None,
    correlated: Any = None,
    mixing: Floats | None = None,
    shared: bool = True,
    any_response: bool = False,
) -> Design:
    """Check every argument of a model and convert it; see `MixedGLM` for what each means.

    Arrays are copied where they could be changed from outside; `exog` and `exog_vc` are not if `shared` is False, which
    says that they are nobody else's. `mixing` (p, p) is that of `ModelPriors`. With `any_response` that of an ordinal model only
    stands for others.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what was expected and what came.
    """
    check.require_same_index(
        endog=endog, exog=exog, exog_vc=exog_vc, offset=offset, exposure=exposure, n_trials=n_trials,
        freq_weights=freq_weights,
    )  # fmt: skip
    y, trials, response = _response(endog, family, response_levels)
    n = len(y)
    fep_names = None if fep_names is None else check.as_strings(fep_names, "fep_names")
    x, x_names = check.as_design(exog, "exog", n, fep_names)
    z, z_names = check.as_sparse_design(exog_vc, "exog_vc", n)
    p, q = x.shape[1], z.shape[1]
    if exog_vc is None and ident is not None and check.as_labels(ident, "ident").size:
        raise ValueError("ident was given without exog_vc")
    components, labels, k = check.as_ident([] if exog_vc is None else _in_order(ident, z_names), q)
    trials = check_trials(n_trials, trials, n, family)
    if not (family.is_continuous or family.is_ordinal):
        y = as_counts(y, trials)
    family.validate_response(y, trials)
    if fep_names is None:
        fep_names = x_names or [f"FE_{j + 1}" for j in range(p)]
    if vcp_names is None:
        vcp_names = labels or [f"VC_{j + 1}" for j in range(k)]
    if vc_names is None:
        vc_names = z_names
    names = check.as_names(fep_names, "fep_names", p, "fixed effects")
    components_names = check.as_names(vcp_names, "vcp_names", k, "variance components", unique=True)
    terms = as_correlated(correlated, levels, components_names, components)
    weights = _weights(freq_weights, n)
    thresholds = threshold_names(response) if family.is_ordinal and response else []
    if family.is_ordinal:
        _refuse_constant(x, weights, names)
        if response is not None and not any_response:
            require_categories(y, weights, response, "endog")
    own_offset = None if offset is None else check.as_vector(offset, "offset", n, scalar=True)
    own_exposure = check_exposure(exposure, n, family)

    def defaults(mixing: Floats | None) -> Defaults:
        total = _total_offset(own_offset, own_exposure)
        columns = x if mixing is None else np.asfortranarray(x @ mixing)
        return default_priors(family, y, trials, weights, total, columns, z, components, k, len(thresholds))

    return Design(
        endog=np.array(y),
        exog=owned(x, exog) if shared else x,
        exog_vc=owned_sparse(z, exog_vc) if shared else z,
        ident=components,
        n_trials=_copy(trials),
        freq_weights=_copy(weights),
        offset=_copy(own_offset),
        exposure=_copy(own_exposure),
        priors=priors
        if isinstance(priors, ModelPriors)
        else resolve_priors(
            fe_p,
            vcp_p,
            priors,
            names,
            components_names,
            defaults,
            mixing,
            family.shape_names,
            [term.name for term in terms],
            thresholds,
        ),
        fep_names=names,
        vcp_names=components_names,
        vc_names=None if vc_names is None else check.as_names(vc_names, "vc_names", q, "random effects"),
        response_levels=response or response_levels,
        correlated=terms,
    )


def default_priors(
    family: Family,
    y: Floats,
    n_trials: Floats | None,
    freq_weights: Floats | None,
    offset: Floats | None,
    exog: Floats,
    exog_vc: sparse.csr_array,
    ident: npt.NDArray[np.int32],
    k: int,
    thresholds: int = 0,
) -> Defaults:
    """Priors in units of the columns and of the response, for whatever is given no other."""
    weights = _given(freq_weights)
    known = (
        Binomial() if family.is_ordinal else family
    )  # of which nothing is asked that thresholds would matter for
    unit = response_unit(known, y, freq_weights, offset)
    loc, scale, constant = _core.default_fe_priors(
        exog=exog, family=known.core, endog=y, trials=_given(n_trials), weights=weights,
        offset=_given(offset),
    )  # fmt: skip
    mu = _core.default_sd_priors(
        indptr=exog_vc.indptr, indices=exog_vc.indices, data=exog_vc.data, ident=ident, components=k, weights=weights,
        scale=unit,
    )  # fmt: skip
    if isinstance(family, Cumulative) and thresholds:
        constant = 0
        at = _core.threshold_locations(
            family=family.of(thresholds + 1).core, endog=np.asfortranarray(y[:, None]), weights=weights,
            offset=np.empty((0, 0)) if offset is None else np.asfortranarray(offset[:, None]),
        )[0]  # fmt: skip
        loc, scale = (
            np.r_[at, loc],
            np.r_[np.full(thresholds, _core.DEFAULT_PRIOR_SCALE), scale],
        )
    shapes = [_core.default_family_prior(unit) for _ in family.shape_names]
    return Defaults.of(loc, scale, mu, constant, shapes, unit)


def response_unit(family: Family, y: Floats, freq_weights: Floats | None, offset: Floats | None) -> float:
    """The unit of the linear predictor that a response suggests: its standard deviation where the link is the identity, else 1."""
    none = np.empty((0, 0), order="F")
    scales = _core.response_scales(
        family=family.core, endog=y[:, None], weights=_given(freq_weights),
        offset=none if offset is None else offset[:, None],
    )  # fmt: skip
    return float(scales[0])


def threshold_names(levels: tuple[str, ...]) -> list[str]:
    """Names of the thresholds between categories: ``c[low|high]``."""
    return [f"c[{low}|{high}]" for low, high in itertools.pairwise(levels)]


def _response(
    endog: Any, family: Family, levels: tuple[str, ...] | None
) -> tuple[Floats, Floats | None, tuple[str, ...] | None]:
    """Response, trials if it has them, and names of its levels; those of an ordinal one are given with numbers of categories."""
    if not isinstance(family, Cumulative):
        return as_response(endog, family.has_trials)
    if levels is None:
        y, levels = as_ordinal(endog, "endog")
    else:
        y = check.as_vector(endog, "endog")
    family.of(len(levels)).validate_response(y)
    return y, None, levels


def _refuse_constant(exog: Floats, weights: Floats | None, names: list[str]) -> None:
    """A constant column is what thresholds are."""
    constant = _core.standardization(exog, np.empty(0) if weights is None else weights)[3]
    if constant >= 0:
        raise ValueError(
            f"exog: column {names[constant]!r} is constant, and the thresholds of the cumulative family are in the place of a "
            "constant; leave it out"
        )


def _total_offset(offset: Floats | None, exposure: Floats | None) -> Floats | None:
    if exposure is None:
        return offset
    return np.log(exposure) if offset is None else offset + np.log(exposure)


def _in_order(ident: Any, names: list[str] | None) -> Any:
    """Labels in the order of the columns, where they come with the names of them."""
    if names is None or not isinstance(ident, pd.Series):
        return ident
    labels = [str(v) for v in ident.index]
    if labels == names or len(set(names)) < len(names) or sorted(labels) != sorted(names):
        return ident
    return ident.set_axis(labels)[names]


def _copy(value: ValueT) -> ValueT:
    return value.copy() if isinstance(value, np.ndarray) else value


def check_trials(n_trials: Any, from_columns: Floats | None, n: int, family: Family) -> Floats | None:
    """Numbers of trials, from their argument or from a response of two columns."""
    if n_trials is None:
        return from_columns
    if not family.has_trials:
        raise ValueError(f"n_trials is only for the binomial family, got it with {family.name}")
    if from_columns is not None:
        raise ValueError("n_trials must not be given with a response of two columns, which has its own")
    return check.as_vector(n_trials, "n_trials", n, scalar=True)


def _weights(freq_weights: Any, n: int) -> Floats | None:
    if freq_weights is None:
        return None
    weights = check.as_vector(freq_weights, "freq_weights", n, scalar=True)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"freq_weights must not be negative, got {weights[row]:g} at row {row}")
    return np.where(weights < 1.0 / check.LARGEST, 0.0, weights)  # quotients of denormal ones are NaN


def check_exposure(exposure: Any, n: int, family: Family) -> Floats | None:
    """Exposure, positive, only with a log link."""
    if exposure is None:
        return None
    if family.link != "log":
        raise ValueError(f"exposure is only for a log link, got it with the {family.link} link; use offset")
    return check.as_positive(exposure, "exposure", n)


def _warn_if_rank_deficient(exog: Floats, names: list[str], thresholds: bool) -> None:
    if thresholds:
        exog, names = np.column_stack([np.ones(len(exog)), exog]), ["the thresholds", *names]
    rank = numerical_rank(exog)
    if rank < exog.shape[1]:
        warn(
            f"exog has {exog.shape[1]} columns{' with a constant' if thresholds else ''} but rank {rank}: {'; '.join(dependent_columns(exog, names))}. The data do not "
            "tell these coefficients apart, only their prior does; leave out columns",
            RankDeficiencyWarning,
        )


def numerical_rank(exog: Floats) -> int:
    """Rank of a tall matrix, shape (n, p), whatever the scales of its columns.

    The Gram matrix settles nearly every case at the cost of one product; where it looks close to singular,
    the R of a QR factorization decides, which does not square the condition number.
    """
    n, p = exog.shape
    if p == 0 or _core.are_clearly_independent(exog):
        return int(p)
    gram = exog.T @ exog
    norms = np.sqrt(gram.diagonal())
    used = norms > 0
    if not used.any():
        return 0
    norms = norms[used]
    if n >= len(norms) and np.linalg.eigvalsh(gram[np.ix_(used, used)] / np.outer(norms, norms))[0] > 1e-9:
        return len(norms)
    triangle = np.linalg.qr(exog[:, used], mode="r")
    return int(np.linalg.matrix_rank(triangle / norms, tol=1e-11 * np.sqrt(p)))


def make_core(
    design: Design, family: Family, change: Standardization | None = None, *, merge_rows: bool = True
) -> _core.Model:
    """Compiled model of `design` in the coordinates of `change`.

    Without `merge_rows` equal rows stay apart, as they must where their offsets are to be replaced.
    """
    arguments = model_arguments(design, family, change)
    return _core.Model(merge_rows=merge_rows, own_exog=arguments["exog"] is not design.exog, **arguments)


def model_arguments(design: Design, family: Family, change: Standardization | None) -> dict[str, Any]:
    """The arguments of the compiled model of `design` in the coordinates of `change`; empty where nothing is given."""
    exog = design.exog if change is None else change.apply(design.exog)
    offset = design.total_offset()
    if change is not None:
        offset = change.offset(offset, exog)
    return {
        "endog": design.endog,
        "family": family.core,
        "trials": _given(design.n_trials),
        "weights": _given(design.freq_weights),
        "offset": _given(offset),
        **core_arguments(design, exog, change),
    }


def _given(values: Floats | None) -> Floats:
    """As the core has it: empty where nothing is given."""
    return _NONE if values is None else values


def core_arguments(design: Design, exog: Floats, change: Standardization | None) -> dict[str, Any]:
    """The arguments of the compiled model that no response has a part in."""
    z, origin = design.exog_vc, threshold_origin(design.priors, change)
    return {
        "exog": exog,
        "vc_indptr": z.indptr,
        "vc_indices": z.indices,
        "vc_data": z.data,
        "ident": design.ident,
        "fe_p": prior_scale(design.priors, change),
        "sd_priors": [prior.core() for prior in design.priors.sd],
        "family_priors": [prior.core() for prior in design.priors.family],
        **({"thresholds": origin} if len(origin) else {}),
    } | (_correlated_arguments(design) if design.correlated else {})


def _correlated_arguments(design: Design) -> dict[str, Any]:
    return {
        "correlated": [(term.columns.ravel().tolist(), term.order) for term in design.correlated],
        "cor_priors": [prior.eta for prior in design.priors.cor],
    }


def threshold_origin(priors: ModelPriors, change: Standardization | None) -> Floats:
    """Where the thresholds of an ordinal response begin in the coordinates of `change`, shape (C - 1,); empty for others."""
    if not priors.thresholds or change is None or change.origin is None:
        return np.zeros(priors.thresholds)
    return np.ascontiguousarray(change.origin[: priors.thresholds])


def prior_scale(priors: ModelPriors, change: Standardization | None) -> Floats:
    """Prior standard deviations of the fixed effects in the coordinates of `change`, shape (p,)."""
    return priors.fe_scale * change.scale if change is not None and change.in_units else priors.fe_scale
