"""Bayesian generalized linear mixed models with mutually independent random effects."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm import _core
from mixed_glm._fit.choose import choose
from mixed_glm._fit.marginal import Approximation, fit_marginal
from mixed_glm._formula.build import build
from mixed_glm._formula.encoding import Encoding
from mixed_glm._input.arrays import as_n_jobs, as_vector
from mixed_glm._joint import JointMethods
from mixed_glm._marginal import MarginalMethods
from mixed_glm._predict.linear import linear_predictor
from mixed_glm._spec.design import Design, make_core, make_design
from mixed_glm._spec.standardization import Standardization
from mixed_glm._variational import VariationalMethods
from mixed_glm.families import Family, as_family
from mixed_glm.many import ManyMethods
from mixed_glm.results import MixedGLMResults

__all__ = ["MixedGLM"]

Floats = npt.NDArray[np.float64]

METHODS = ("laplace", "ep", "vb", "map")  # a model has a fit_<method> for each
AUTO_OPTIONS = ("integrate", "progress", "n_jobs")


@dataclass
class ModelData:
    """Data as they came, with statsmodels' names.

    Attributes
    ----------
    endog, exog : float array
        What the model was made of.
    ynames : str
    xnames : list of str
    frame : DataFrame
        The caller's data frame; only where a formula was used, and not kept by pickling.
    """

    endog: Floats
    exog: Floats
    ynames: str
    xnames: list[str]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "frame"}


class MixedGLM(JointMethods, MarginalMethods, VariationalMethods, ManyMethods):
    """Bayesian generalized linear mixed model.

    The linear predictor is ``offset + log(exposure) + exog @ beta + exog_vc @ u``. Random effects are
    independent normal with mean 0; those with the same label in `ident` share a standard deviation, whose
    logarithm is normal with mean 0 and standard deviation `vcp_p`. Fixed effects are normal with mean 0 and
    standard deviation `fe_p`.

    Parameters
    ----------
    endog : array_like, shape (n,) or (n, 2)
        Response. Binomial: 0 and 1; numbers of successes with `n_trials`; two columns, successes and
        failures; or labels with two levels, of which the second (second category, or second in sorted
        order) is success.
    exog : array_like, shape (n, p), or None
        Fixed-effects columns. Include a column of ones for an intercept.
    exog_vc : array_like or scipy.sparse, shape (n, q), or None
        Random-effects columns, in any sparse format or dense. It is never changed.
    ident : array_like, shape (q,), or None
        Variance component of each column of `exog_vc`. Integer labels are numbered 0..K-1 in increasing
        order, with gaps closed; string labels in order of first appearance.
    family : Family, str, or statsmodels family
        ``"binomial"``, ``"poisson"``, ``families.Binomial(link="probit")``, ``sm.families.Poisson()``, ...
    vcp_p : float or array_like, shape (K,), default 1.0
        Prior standard deviation of each log standard deviation.
    fe_p : float or array_like, shape (p,), default 2.0
        Prior standard deviation of each fixed effect.
    fep_names : list of str, optional
        Names of the fixed effects; default the columns of `exog`, or FE_1, FE_2, ...
    vcp_names : list of str, optional
        Names of the variance components in the order of their numbers; default the string labels of
        `ident`, or VC_1, VC_2, ...
    vc_names : list of str, optional
        Names of the random effects; default the columns of `exog_vc` if it is a data frame, else none.
    offset : array_like, shape (n,), optional
        Added to the linear predictor.
    exposure : array_like, shape (n,), optional
        Positive; its logarithm is added to the linear predictor. Only with a log link.
    n_trials : array_like, shape (n,), or int, optional
        Binomial number of trials; default 1.
    freq_weights : array_like, shape (n,), optional
        How often each observation counts; default 1.

    Attributes
    ----------
    k_fep, k_vcp, k_vc : int
        Numbers p of fixed effects, K of variance components and q of random effects.
    endog : float array, shape (n,)
        Response; numbers of successes where there are trials.
    exog : float array, shape (n, p)
    exog_vc : scipy.sparse.csr_array, shape (n, q)
    ident : int array, shape (q,)
        Components 0..K-1.
    family : Family
    offset, exposure, n_trials, freq_weights : float array, shape (n,), or None
        As given.
    vcp_p, fe_p : float array, shape (K,) and (p,)
        Standard deviations of the priors.
    fep_names, vcp_names : list of str
        Names of fixed effects and variance components.
    vc_names : list of str or None
        Names of the random effects, such as ``herd[3]``.
    response_levels : (str, str) or None
        Failure and success, where the response was given as labels.
    names : list of str
        Names of all parameters in their order: fixed effects, variance components, random effects if named.
    nobs : int
        Number n of rows.
    n_missing : int
        Rows that a formula dropped because something was missing in them.

    Raises
    ------
    ValueError, TypeError
        For any argument that does not fit, naming it, what was expected and what came.

    Warns
    -----
    RankDeficiencyWarning
        If the columns of `exog` are linearly dependent; the prior still makes the posterior proper.

    Examples
    --------
    >>> import mixed_glm as mg
    >>> cbpp = mg.datasets.load_cbpp()
    >>> model = mg.MixedGLM.from_formula(
    ...     "incidence ~ period + (1 | herd)", data=cbpp, family="binomial", n_trials="size", vcp_p=0.5)
    >>> result = model.fit_map()
    """

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_vc: Any = None,
        ident: Any = None,
        family: Any = None,
        vcp_p: Any = 1.0,
        fe_p: Any = 2.0,
        fep_names: Any = None,
        vcp_names: Any = None,
        vc_names: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        n_trials: Any = None,
        freq_weights: Any = None,
    ) -> None:
        chosen = _family(family)
        design = make_design(
            endog, exog, exog_vc, ident, chosen, vcp_p=vcp_p, fe_p=fe_p, fep_names=fep_names, vcp_names=vcp_names,
            vc_names=vc_names, offset=offset, exposure=exposure, n_trials=n_trials, freq_weights=freq_weights,
        )  # fmt: skip
        name = getattr(endog, "name", None)
        self._set_up(design, chosen, "y" if name is None else str(name))

    @classmethod
    def from_formula(
        cls,
        formula: str,
        vc_formulas: Mapping[str, str] | None = None,
        data: Any = None,
        family: Any = None,
        vcp_p: Any = 1.0,
        fe_p: Any = 2.0,
        *,
        vcp_names: Any = None,
        vc_names: Any = None,
        offset: Any = None,
        exposure: Any = None,
        n_trials: Any = None,
        freq_weights: Any = None,
    ) -> Self:
        """Make a model from a formula and a data frame.

        Parameters
        ----------
        formula : str
            ``"y ~ x + (1 | g)"``. Random effects as in lme4: ``(1 | g)``, ``(0 + x | g)``, ``(1 | a/b)``,
            ``(1 | a:b)``, and ``(x || g)``, where every column before the bars has a standard deviation of
            its own. Effects are independent: ``(x | g)`` is refused. The response may be ``cbind(won,
            lost)``, ``won + lost`` or ``won | trials(n)`` for the binomial family, and ``offset(log(t))``
            is a term. Numbers are float64 before anything is computed of them; labels stay as they are.
            Names that are no columns are variables of the caller: Series and data frames must have the index of
            `data`, arrays are taken by position.
        vc_formulas : mapping of str to str, optional
            statsmodels' habit: one formula without response for each variance component, such as
            ``{"a": "0 + C(village)"}``. Fixed effects are then ordered as statsmodels orders them.
        data : DataFrame, or mapping of columns
            Rows in which anything that the model uses is missing are dropped and counted in `n_missing`.
        family, vcp_p, fe_p, vcp_names, vc_names
            As for the class.
        offset, exposure, n_trials, freq_weights : str or array_like, optional
            Column names, or values for all rows of `data`.

        Raises
        ------
        ValueError, TypeError
            As for the class; also for an unknown column or a formula that cannot be understood.
        """
        if data is None and not isinstance(vc_formulas, pd.DataFrame):
            raise TypeError("data must be given, as from_formula(formula, data=...)")
        chosen = _family(family)
        by_row = {"offset": offset, "exposure": exposure, "n_trials": n_trials, "freq_weights": freq_weights}
        built = build(formula, vc_formulas, data, binomial=chosen.name == "binomial", by_row=by_row)
        names = {"vcp_names": vcp_names, "vc_names": vc_names}
        arguments = built.arguments | {k: v for k, v in names.items() if v is not None}
        design = make_design(family=chosen, vcp_p=vcp_p, fe_p=fe_p, shared=False, **arguments)
        model = cls.__new__(cls)
        model._set_up(design, chosen, built.response_name, built.encoding, built.response_levels)
        model.data.frame = built.frame  # type: ignore[attr-defined]
        return model

    def _set_up(
        self,
        design: Design,
        family: Family,
        endog_name: str,
        encoding: Encoding | None = None,
        response_levels: tuple[str, str] | None = None,
    ) -> None:
        self._design = design
        self._encoding = encoding
        self._core_cache: _core.Model | None = None
        self.family = family
        self.endog, self.exog, self.exog_vc, self.ident = (
            design.endog,
            design.exog,
            design.exog_vc,
            design.ident,
        )
        self.offset, self.exposure = design.offset, design.exposure
        self.n_trials, self.freq_weights = design.n_trials, design.freq_weights
        self.vcp_p, self.fe_p = design.vcp_p, design.fe_p
        self.fep_names, self.vcp_names, self.vc_names = design.fep_names, design.vcp_names, design.vc_names
        self.nobs = len(design.endog)
        self.k_fep, self.k_vcp, self.k_vc = design.exog.shape[1], len(design.vcp_names), len(design.ident)
        self.n_missing = 0 if encoding is None else encoding.n_missing
        self.response_levels = response_levels or design.response_levels
        self.endog_names = endog_name
        self.data = ModelData(design.endog, design.exog, endog_name, design.fep_names)

    @property
    def formula(self) -> str | None:
        """The formula that the model was made from; None if from arrays."""
        return None if self._encoding is None else self._encoding.formula

    @property
    def exog_names(self) -> list[str]:
        """Names of the fixed effects, as statsmodels calls them."""
        return self.fep_names

    @property
    def names(self) -> list[str]:
        """Names of the parameters in order; without the random effects if they have no names."""
        return self.fep_names + self.vcp_names + (self.vc_names or [])

    @property
    def exog_vc2(self) -> sparse.csr_array:
        """Squared entries of `exog_vc`."""
        return sparse.csr_array(self.exog_vc.multiply(self.exog_vc))

    def core(self, standardization: Standardization | None = None) -> _core.Model:
        """Return the compiled model, for callers of the extension module.

        Parameters
        ----------
        standardization : Standardization, optional
            Make one of the standardized columns instead, anew at every call.

        Returns
        -------
        _core.Model
        """
        if standardization is not None:
            return make_core(self._design, self.family, standardization.apply(self.exog))
        if self._core_cache is None:
            self._core_cache = make_core(self._design, self.family, self.exog)
        return self._core_cache

    def fit(self, method: str = "auto", **options: Any) -> MixedGLMResults:
        """Fit by the method that is best for this model, or by the one named.

        Parameters
        ----------
        method : str, default "auto"
            ``"auto"``: Laplace, leaf quadrature (``fit_laplace(n_quad=15)``) or expectation propagation, whichever
            the gradients at Laplace's mode of the log standard deviations show to be the most accurate; Laplace
            where all agree within 0.05 posterior standard deviations, and above 500,000 rows. The result's
            ``method`` tells which. Or the end of the name of a ``fit_`` method: ``"laplace"``, ``"ep"``, ``"vb"``,
            ``"map"``.
        **options
            Passed on to that method; for ``"auto"`` only ``integrate``, ``progress`` and ``n_jobs``, as in
            `fit_laplace`.

        Returns
        -------
        MixedGLMResults

        Raises
        ------
        ValueError
            If `method` is none of these.
        TypeError
            If the method has no such option.

        Warns
        -----
        ConvergenceWarning
            If something went wrong; the result's ``status`` tells what.
        """
        if method != "auto" and method not in METHODS:
            raise ValueError(f"method must be 'auto' or one of {', '.join(METHODS)}, got {method!r}")
        _check_options(self, method, options)
        if method == "auto":
            chosen = choose(self, bool(options.get("progress")), as_n_jobs(options.get("n_jobs", 1)))
            return self._fit_by(chosen.approximation, chosen.start, **options)
        result: MixedGLMResults = getattr(self, f"fit_{method}")(**options)
        return result

    def _fit_by(
        self,
        approximation: Approximation,
        start: Floats,
        integrate: str = "auto",
        progress: bool = False,
        n_jobs: int = 1,
    ) -> MixedGLMResults:
        return fit_marginal(self, approximation, integrate, "newton", None, start, progress, n_jobs)

    def predict(
        self,
        params: npt.ArrayLike,
        exog: Any = None,
        linear: bool = False,
        *,
        offset: Any = None,
        exposure: Any = None,
    ) -> Floats:
        """Mean of the response at random effects of zero.

        Parameters
        ----------
        params : array_like
            Fixed effects, or all parameters.
        exog : array_like, shape (m, p), or DataFrame, optional
            Fixed-effects columns; for a model from a formula also a data frame with its variables. Default:
            the model's own rows.
        linear : bool, default False
            Return the linear predictor.
        offset, exposure : array_like, shape (m,), optional
            For new rows; required if the model has them.

        Returns
        -------
        ndarray, shape (m,)
            Mean for each row (per trial for the binomial family); NaN where a data frame has missing values.
        """
        eta = linear_predictor(self, params, exog, offset, exposure)
        return eta if linear else np.asarray(self.family.mean(eta))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file that `load` reads, without pickle; see `MixedGLMResults.save`.

        Parameters
        ----------
        path : path
            A file there is replaced once the new one is complete.
        """
        from mixed_glm._saving import save_model

        save_model(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, context: Mapping[str, Any] | None = None) -> Self:
        """Read the model of a saved model or of a saved result.

        Parameters
        ----------
        path : path
        context : mapping, optional
            As for `mixed_glm.load`.

        Raises
        ------
        ValueError
            If the file is not a saved model, is damaged, or holds a model of another class.
        """
        from mixed_glm._saving import load_model

        return load_model(cls, path, context)

    def _params(self, params: npt.ArrayLike, name: str = "params") -> Floats:
        vector = as_vector(params, name)
        size = self.k_fep + self.k_vcp + self.k_vc
        if len(vector) != size:
            raise ValueError(
                f"{name} must have {size} entries ({self.k_fep} fixed effects, {self.k_vcp} log standard "
                f"deviations, {self.k_vc} random effects), got {len(vector)}"
            )
        return vector

    def _unpack(self, vector: Floats) -> tuple[Floats, Floats, Floats]:
        """Split a vector of all parameters into fixed effects, log standard deviations, random effects."""
        p, k = self.k_fep, self.k_vcp
        return vector[:p], vector[p : p + k], vector[p + k :]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_core_cache": None}

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self.family.name} ({self.family.link}), {self.nobs} observations, "
            f"{self.k_fep} fixed effects, {self.k_vc} random effects in {self.k_vcp} components>"
        )


def _check_options(model: MixedGLM, method: str, options: Mapping[str, Any]) -> None:
    """Refuse options that the method does not have, naming those that it has and the methods that have them."""
    known = {m: tuple(inspect.signature(getattr(model, f"fit_{m}")).parameters) for m in METHODS}
    own = known.get(method, AUTO_OPTIONS)
    for name in options:
        if name not in own:
            others = [m for m in METHODS if name in known[m]]
            hint = f"; method={' or '.join(map(repr, others))} has it" if others else ""
            raise TypeError(f"fit(method={method!r}) takes {', '.join(own)}, got {name!r}{hint}")


def _family(family: Any) -> Family:
    if family is None:
        raise ValueError("family must be given: 'binomial', 'poisson', ..., or a family object")
    return as_family(family)
