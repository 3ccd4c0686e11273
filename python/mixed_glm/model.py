"""Bayesian generalized linear mixed models with mutually independent random effects."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Never, ParamSpec, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import _core, plots
from mixed_glm._assess.prior_pull import warn_of_prior_pull
from mixed_glm._attributes import ModelAttributes
from mixed_glm._fit import choose, densities, joint_mode, marginal, variational
from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import row_index
from mixed_glm._input.keywords import refuse_unknown
from mixed_glm._methods import as_method, of_spec
from mixed_glm._posterior.prior_draws import prior_predictive, prior_sample
from mixed_glm._predict.linear import predict_at
from mixed_glm._spec.design import make_design
from mixed_glm._spec.doubts import warn_of_doubts
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization
from mixed_glm.families.given import as_given_family
from mixed_glm.many import fit_responses
from mixed_glm.priors import Prior
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mixed_glm._saving import Saved

__all__ = ["MixedGLM", "load"]

Floats = npt.NDArray[np.float64]
P = ParamSpec("P")
ModelT = TypeVar("ModelT", bound="MixedGLM")


@dataclass
class ModelData:
    """Data as they came, with statsmodels' names.

    Attributes
    ----------
    endog, exog : float array
        What the model was made of.
    ynames : str
    xnames : list of str
    frame : DataFrame or None
        The caller's data frame; only where a formula was used, and not kept by pickling.
    kept : bool array, or None
        Which rows of it were used.
    """

    endog: Floats
    exog: Floats
    ynames: str
    xnames: list[str]
    frame: pd.DataFrame | None = field(default=None, repr=False)
    kept: npt.NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def rows(self) -> pd.DataFrame | None:
        """Rows of the data frame that were used; None where it is not there, or has other rows by now."""
        if self.frame is None or self.kept is None or len(self.kept) != len(self.frame):
            return None
        return self.frame if self.kept.all() else self.frame[self.kept]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"frame": None, "kept": None}


def _fits(
    function: Callable[Concatenate[ModelSpec, P], Fit],
) -> Callable[Concatenate[ModelT, P], MixedGLMResults[ModelT]]:
    """The method that fits by `function` and gives results."""

    @functools.wraps(function)
    def method(self: ModelT, /, *args: P.args, **kwargs: P.kwargs) -> MixedGLMResults[ModelT]:
        fit = function(self.spec, *args, **kwargs)
        warn_of_prior_pull(fit)
        return self._results_class(self, fit)

    return as_method(method, function, returns="MixedGLMResults")


_ARGUMENTS = (
    "family",
    "vcp_p",
    "fe_p",
    "vcp_names",
    "vc_names",
    "offset",
    "exposure",
    "n_trials",
    "freq_weights",
    "priors",
    "levels",
    "correlated",
)


class MixedGLM(ModelAttributes):
    """Bayesian generalized linear mixed model.

    The linear predictor is ``offset + log(exposure) + exog @ beta + exog_vc @ u``. Random effects are
    normal with mean 0; those with the same label in `ident` share a standard deviation, whose prior
    is log-normal, and fixed effects have normal priors, unless `priors` says otherwise. They are independent, but for those that
    `correlated` names, and those of a formula's terms ``(x | g)``.

    Parameters
    ----------
    endog : array_like, shape (n,) or (n, 2)
        Response. Binomial: 0 and 1; numbers of successes with `n_trials`; two columns, successes and
        failures; or labels with two levels, of which the second (second category, or second in sorted
        order) is success. Cumulative: an ordered categorical, or whole numbers.
    exog : array_like, shape (n, p), or None
        Fixed-effects columns. Include a column of ones for an intercept, unless the family is cumulative: its thresholds are in the
        place of one, and a formula's intercept is left out.
    exog_vc : array_like or scipy.sparse, shape (n, q), or None
        Random-effects columns, in any sparse format or dense. It is never changed.
    ident : array_like, shape (q,), or None
        Variance component of each column of `exog_vc`. Integer labels are numbered 0..K-1 in increasing
        order, with gaps closed; string labels in order of first appearance.
    family : Family, str, or statsmodels family
        ``"gaussian"``, ``"binomial"``, ``"poisson"``, ``families.Binomial(link="probit")``, ``sm.families.Poisson()``, ...
    vcp_p : float, array_like of shape (K,), Series or mapping, optional
        Prior standard deviations, about zero, of the log standard deviations; by name, if it is a Series or mapping. Default,
        and for those that are not named: log-normal priors in units of the columns, see Notes.
    fe_p : float, array_like of shape (p,), Series or mapping, optional
        Prior standard deviations, about zero, of the coefficients as they stand, and, before them, of thresholds (shape (C - 1 + p,)); by name, if it is a Series or mapping.
        Default, and for those that are not named: normal priors in units of the columns, see Notes.
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
    priors : mapping of str to Prior, optional
        Distributions of `mixed_glm.priors` by the names of the parameters: those of fixed effects, ``"sd(herd)"`` for a
        standard deviation, ``"sd"`` for all of them that are not named, ``"cor(subject)"`` and ``"cor"`` for correlations.
        They count before `fe_p` and `vcp_p`.
    levels : array_like, shape (q,), optional
        Label of the level (group) of each column of `exog_vc`; needed with `correlated`.
    correlated : list of tuples of str, optional
        Components whose effects at the same level are correlated, ``[("int", "slope")]``; all others are independent. At most
        six a tuple, and a component is in one tuple at most.
    **unknown
        Arguments of other packages: refused, with what to write instead.

    Attributes
    ----------
    k_fep, k_vcp, k_vc : int
        Numbers p of fixed effects, K of variance components and q of random effects.
    endog : float array, shape (n,)
        Response; numbers of successes where there are trials; numbers of categories from 0 for an ordinal one.
    exog : float array, shape (n, p)
    exog_vc : scipy.sparse.csr_array, shape (n, q)
    ident : int array, shape (q,)
        Components 0..K-1.
    family : Family
    offset, exposure, n_trials, freq_weights : float array, shape (n,), or None
        As given.
    vcp_p, fe_p : float array, shape (K,) and (p,)
        Standard deviations of the priors of log standard deviations (NaN for others than log-normal ones) and of fixed effects.
    fep_names, vcp_names : list of str
        Names of fixed effects and variance components.
    vc_names : list of str or None
        Names of the random effects, such as ``herd[3]``.
    response_levels : tuple of str, or None
        Failure and success, where the response was given as labels; the categories of an ordinal response in their order.
    names : list of str
        Names of all parameters in their order: fixed effects, variance components, random effects if named.
    nobs : int
        Number n of rows.
    index : Index or None
        Labels of the rows that are used, where the data came with some.
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
    DesignWarning
        If a standard deviation cannot be told by the data, as with one group, one binary response a group, or groups that
        have fixed effects too; or if a random slope is independent of its intercept and its covariate far from zero.

    Notes
    -----
    Priors in units of the columns do not depend on the units of the data. A coefficient has N(0, (2.5 / sd(x))^2), sd(x) the standard
    deviation of its column; the intercept N(g(mean of y), 2.5^2) where all columns are at their means, g being the link (a threshold
    of an ordinal response N(logit of the share below it, 2.5^2), all of them restricted to be ordered); without a
    constant column nothing is centred. Where a formula has products or powers of covariates, as ``x * z`` or ``x + I(x**2)``, these
    are the priors of the coefficients with covariates at their means, as far as moving an origin leaves the model as it is. The
    logarithm of a standard deviation has N(-log r, 1), r = 1 for intercepts and indicators and the spread of its covariate for a
    slope: the standard deviation where the same groups have an intercept, else the root mean
    square. `priors` of the model and of its results shows what is in force.

    Examples
    --------
    >>> import mixed_glm as mg
    >>> cbpp = mg.datasets.load_cbpp()
    >>> model = mg.MixedGLM.from_formula(
    ...     "incidence ~ period + (1 | herd)", data=cbpp, family="binomial", n_trials="size")
    >>> result = model.fit()
    """

    _results_class: ClassVar[type[MixedGLMResults[Any]]] = MixedGLMResults

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_vc: Any = None,
        ident: Any = None,
        family: Any = None,
        vcp_p: Any = None,
        fe_p: Any = None,
        fep_names: Any = None,
        vcp_names: Any = None,
        vc_names: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        n_trials: Any = None,
        freq_weights: Any = None,
        priors: Mapping[str, Prior] | None = None,
        levels: Any = None,
        correlated: Any = None,
        **unknown: Never,
    ) -> None:
        refuse_unknown(unknown, "MixedGLM", _ARGUMENTS)
        chosen = as_given_family(family)
        design = make_design(
            endog, exog, exog_vc, ident, chosen, vcp_p=vcp_p, fe_p=fe_p, fep_names=fep_names, vcp_names=vcp_names,
            vc_names=vc_names, offset=offset, exposure=exposure, n_trials=n_trials, freq_weights=freq_weights,
            priors=priors, levels=levels, correlated=correlated,
        )  # fmt: skip
        warn_of_doubts(design, chosen)
        name = getattr(endog, "name", None)
        index = row_index(endog, exog, exog_vc, offset, exposure, n_trials, freq_weights)
        self._set_up(ModelSpec(design, chosen, "y" if name is None else str(name), index=index))

    @classmethod
    def from_formula(
        cls,
        formula: str,
        vc_formulas: Mapping[str, str] | None = None,
        data: Any = None,
        family: Any = None,
        vcp_p: Any = None,
        fe_p: Any = None,
        *,
        vcp_names: Any = None,
        vc_names: Any = None,
        offset: Any = None,
        exposure: Any = None,
        n_trials: Any = None,
        freq_weights: Any = None,
        priors: Mapping[str, Prior] | None = None,
        **unknown: Never,
    ) -> Self:
        """Make a model from a formula and a data frame.

        Parameters
        ----------
        formula : str
            ``"y ~ x + (1 | g)"``. Random effects as in lme4: ``(1 | g)``, ``(0 + x | g)``, ``(1 | a/b)``,
            ``(1 | a:b)``; ``(x | g)``, where the effects on a group of all columns before the bar are
            correlated, and ``(x || g)``, where they are independent. The response may be ``cbind(won,
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
        priors, **unknown
            As for the class.

        Raises
        ------
        ValueError, TypeError
            As for the class; also for an unknown column or a formula that cannot be understood.
        """
        refuse_unknown(unknown, "from_formula", _ARGUMENTS)
        from mixed_glm._formula.build import build  # formulaic, behind it, is slow to import

        if data is None and not isinstance(vc_formulas, pd.DataFrame):
            raise TypeError("data must be given, as from_formula(formula, data=...)")
        chosen = as_given_family(family)
        by_row = {"offset": offset, "exposure": exposure, "n_trials": n_trials, "freq_weights": freq_weights}
        built = build(
            formula, vc_formulas, data, binomial=chosen.has_trials, ordinal=chosen.is_ordinal, in_units=fe_p is None,
            by_row=by_row,
        )  # fmt: skip
        names = {"vcp_names": vcp_names, "vc_names": vc_names}
        arguments = built.arguments | {k: v for k, v in names.items() if v is not None}
        design = make_design(family=chosen, vcp_p=vcp_p, fe_p=fe_p, priors=priors, shared=False, **arguments)
        warn_of_doubts(design, chosen)
        index = built.frame.index if built.kept.all() else built.frame.index[built.kept]
        model = cls._of(ModelSpec(design, chosen, built.response_name, built.encoding, index))
        model.data.frame, model.data.kept = built.frame, built.kept
        return model

    @classmethod
    def _of(cls, spec: ModelSpec) -> Self:
        model = cls.__new__(cls)
        model._set_up(spec)
        return model

    def _set_up(self, spec: ModelSpec) -> None:
        self._spec = spec
        design = spec.design
        self.data = ModelData(design.endog, design.exog, spec.endog_name, design.fep_names)

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
        return self.spec.core(standardization)

    logposterior = of_spec(densities.logposterior)
    logposterior_grad = of_spec(densities.logposterior_grad)
    logposterior_hess = of_spec(densities.logposterior_hess)
    log_marginal = of_spec(densities.log_marginal)
    log_marginal_grad = of_spec(densities.log_marginal_grad)
    vb_elbo = of_spec(densities.vb_elbo)
    vb_elbo_grad = of_spec(densities.vb_elbo_grad)

    fit = _fits(choose.fit)
    fit_laplace = _fits(marginal.fit_laplace)
    fit_ep = _fits(marginal.fit_ep)
    fit_vb = _fits(variational.fit_vb)
    fit_map = _fits(joint_mode.fit_map)
    fit_many = of_spec(fit_responses)

    predict = of_spec(predict_at)
    prior_sample = of_spec(prior_sample)
    prior_predictive = of_spec(prior_predictive)

    def plot_prior_predictive(
        self, ax: Axes | None = None, draws: int = 50, rng: Any = 0, observed: bool = True
    ) -> Axes:
        """Data sets that the priors expect, and the data; needs matplotlib.

        Parameters
        ----------
        ax, draws, rng, observed
            As for `plots.plot_prior_predictive`.
        """
        return plots.plot_prior_predictive(self, ax, draws, rng, observed)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file that `load` reads, without pickle; see `MixedGLMResults.save`.

        Parameters
        ----------
        path : path
            A file there is replaced once the new one is complete.
        """
        from mixed_glm import _saving

        _saving.save(_saving.Saved(type(self).__name__, self.spec, None), path)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, context: Mapping[str, Any] | None = None, trusted: bool = False
    ) -> Self:
        """Read the model of a saved model or of a saved result.

        Parameters
        ----------
        path : path
        context : mapping, optional
        trusted : bool, default False
            As for `mixed_glm.load`.

        Raises
        ------
        ValueError
            If the file is not a saved model, is damaged, or holds a model of another class.
        """
        from mixed_glm import _saving

        return _model_of(cls, _saving.load(path, context, trusted, with_fit=False), path)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self.family.name} ({self.family.link}), {self.nobs} observations, "
            f"{self.k_fep} fixed effects, {self.k_vc} random effects in {self.k_vcp} components>"
        )


def load(
    path: str | os.PathLike[str], *, context: Mapping[str, Any] | None = None, trusted: bool = False
) -> MixedGLMResults[MixedGLM]:
    """Read a result that `MixedGLMResults.save` wrote, with its model.

    Reading runs no code from the file. To predict from a data frame is to evaluate the file's formula, of which only
    names, arithmetic and known functions are evaluated unless the file is `trusted`.

    Parameters
    ----------
    path : path
    context : mapping, optional
        Functions and other variables that the formula refers to and that a file cannot hold, by name.
    trusted : bool, default False
        Evaluate whatever the formula of the file says, as `from_formula` does. Only for files of people whom you trust:
        a formula can hold any code.

    Returns
    -------
    MixedGLMResults

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a saved result, is damaged, or was written by a newer version of the format.
    """
    from mixed_glm import _saving  # formulaic, behind it, is slow to import

    saved = _saving.load(path, context, trusted)
    if saved.fit is None:
        raise ValueError(f"{os.fspath(path)!r} holds a model without a result; read it with MixedGLM.load")
    model = _model_of(MixedGLM, saved, path)
    return model._results_class(model, saved.fit)


def _model_of(base: type[ModelT], saved: Saved, path: str | os.PathLike[str]) -> ModelT:
    """The model of a file, of class `base` or of one derived from it."""
    known = [base]
    for cls in known:
        if cls.__name__ == saved.class_name:
            return cls._of(saved.spec)
        known += cls.__subclasses__()
    raise ValueError(
        f"{os.fspath(path)!r} is not a saved model, or is damaged: its model is a {saved.class_name!r}, expected a "
        f"{base.__name__}"
    )
