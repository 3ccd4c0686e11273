"""What a fit returns."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import plots
from mixed_glm._assess.check import check
from mixed_glm._assess.kfold import kfold
from mixed_glm._assess.leave_out import leave_out
from mixed_glm._assess.log_score import log_score
from mixed_glm._assess.loo import loo, waic
from mixed_glm._assess.power_scale import power_scale
from mixed_glm._assess.refine import refine
from mixed_glm._effects.averages import avg_comparisons, avg_predictions, avg_slopes, comparisons, slopes
from mixed_glm._effects.explained import icc, r2
from mixed_glm._effects.grid import datagrid
from mixed_glm._effects.hypothesis import hypothesis
from mixed_glm._effects.own_rows import own_frame
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.integration import Integration
from mixed_glm._input.arrays import as_generator
from mixed_glm._methods import of_fit, of_fit_and_rows, of_result
from mixed_glm._page.report import report
from mixed_glm._posterior.contrast import contrast
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._predict.draws import predict_draws
from mixed_glm._predict.predict import predict, predict_as_statsmodels
from mixed_glm._report.datatree import to_datatree
from mixed_glm._report.elsewhere import ELSEWHERE
from mixed_glm._report.summary import summarize, summarize_as_statsmodels
from mixed_glm._report.tables import covariances, estimates, intervals, random_effects
from mixed_glm._report.varcorr import varcorr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from typing_extensions import TypeVar

    ModelT = TypeVar("ModelT", default=Any)  # so that the class needs no argument in annotations
else:
    from typing import TypeVar

    ModelT = TypeVar("ModelT")

__all__ = ["BayesMixedGLMResults", "MixedGLMResults"]

Floats = npt.NDArray[np.float64]


class MixedGLMResults(Generic[ModelT]):
    """Posterior of a mixed model, as one of the fit methods found it.

    Attributes
    ----------
    model : MixedGLM
    params : float array, shape (p + K + C + f + q,)
        Posterior means (for ``fit_map`` the mode): fixed effects, log standard deviations, correlations, the logarithm of the
        family's own parameter where it has one that is estimated, or the thresholds of an ordinal
        response, random effects.
    fe_mean, fe_sd : float array, shape (p,)
        Posterior means and standard deviations of the fixed effects.
    vcp_mean, vcp_sd : float array, shape (K,)
        The same for the logarithms of the standard deviations of the random effects.
    cor_mean, cor_sd : float array, shape (C,)
        The same for the correlations of random effects, in the order of the lower triangles of their matrices, term by term.
    family_mean, family_sd : float array, shape (f,)
        The same for the logarithm of the parameter of the family that the data estimate, where it has one (f = 1), and for the
        C - 1 thresholds of an ordinal response.
    vc_mean, vc_sd : float array, shape (q,)
        The same for the random effects.
    method : str
        ``"map"``, ``"laplace"``, ``"leaf"`` (``fit_laplace`` with ``n_quad > 1``), ``"ep"``, ``"vb"``, ``"vb_full"``
        (``fit_vb`` with ``covariance="full"``).
    log_density : float
        ``"map"``: log joint density at `params`; with ``scale_fe``, that of the standardized model. ``"vb"`` and
        ``"vb_full"``: log joint density at `params`. Others: log
        marginal density log p(y, psi) at the mode of the log standard deviations psi.
    log_evidence : float or None
        Estimate of log p(y), all parameters integrated out; None for ``"map"``. ``"vb"`` and ``"vb_full"``: a lower
        bound of it.
    elbo : float or None
        That lower bound; None for all other methods.
    status : str
        ``"converged"``, or what went wrong: ``"not converged"``; for ``fit_map`` ``"collapsed"`` (a variance is zero)
        and ``"not a maximum"``; for ``fit_ep`` ``"fell back"`` (Laplace took its place at some points; for
        ``fit_laplace`` and ``fit`` expectation propagation took theirs, see `fit_laplace`); for three
        variance components and more ``"rough integration"`` (importance weights say that it may be inaccurate; also
        where probes, of crossed factors with many levels, leave too large a Monte Carlo error, and in `fit_many` for responses
        that bound a fixed effect on one side only, under a wide prior).
    converged : bool
        Whether the optimum was found; also where the status is ``"collapsed"``, ``"fell back"`` or
        ``"rough integration"``.
    integration : Integration or None
        How the log standard deviations were integrated: ``rule``, ``evaluations``, of importance weights ``k_hat`` and
        ``ess_share``, of leaf quadrature with as many nodes as are needed ``n_quad`` and ``quadrature_error``, and of crossed factors
        with many levels ``probes`` and their Monte Carlo errors. None for ``"map"``, ``"vb"`` and ``"vb_full"``.
    n_iter : int
        Iterations of the optimizer.
    optim_retvals : OptimizeResult or None
        What the optimizer returned.
    """

    def __init__(self, model: ModelT, fit: Fit) -> None:
        self.model = model
        self._fit = fit
        layout, posterior = fit.spec.layout, fit.posterior
        self.params = posterior.mean
        self.fe_mean, self.vcp_mean, self.vc_mean = layout.unpack(posterior.mean)
        self.fe_sd, self.vcp_sd, self.vc_sd = layout.unpack(posterior.sd)
        self.cor_mean, self.cor_sd = posterior.mean[layout.cor], posterior.sd[layout.cor]
        self.family_mean, self.family_sd = posterior.mean[layout.family], posterior.sd[layout.family]

    @property
    def fit(self) -> Fit:
        """What the fit gave, as one immutable object."""
        return self._fit

    @property
    def posterior(self) -> Posterior:
        """The distribution that was found."""
        return self.fit.posterior

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.fit.method

    @property
    def status(self) -> str:
        """How the fit ended."""
        return self.fit.status

    @property
    def converged(self) -> bool:
        """Whether the optimum was found."""
        return self.fit.converged

    @property
    def n_iter(self) -> int:
        """Iterations of the optimizer."""
        return self.fit.n_iter

    @property
    def integration(self) -> Integration | None:
        """How the integration over the log standard deviations went."""
        return self.fit.integration

    @property
    def log_density(self) -> float:
        """Log density, joint or marginal."""
        return self.fit.log_density

    @property
    def log_evidence(self) -> float | None:
        """Estimate of log p(y), or a bound of it."""
        return self.fit.log_evidence

    @property
    def optim_retvals(self) -> Any:
        """What the optimizer returned."""
        return self.fit.optim_retvals

    @property
    def bse(self) -> Floats:
        """Posterior standard deviations of all parameters, in the order of `params`."""
        return self.posterior.sd

    @property
    def priors(self) -> pd.DataFrame:
        """The priors in force: a row for each fixed effect, threshold, standard deviation, term of correlated effects and parameter of the family."""
        return self.fit.spec.prior_frame()

    @property
    def elbo(self) -> float | None:
        """Lower bound of log p(y) that a variational fit reached; None for other fits."""
        return self.log_evidence if self.method in ("vb", "vb_full") else None

    summary = of_fit(summarize)
    to_frame = of_fit(estimates)
    conf_int = of_fit(intervals)
    random_effects = of_fit(random_effects)
    varcorr = of_fit(varcorr)
    cov_params = of_fit(covariances)

    def posterior_sample(self, n: int = 1000, rng: Any = None) -> PosteriorDraws:
        """Draw fixed effects, log standard deviations and random effects jointly from the approximation fitted.

        The log standard deviations psi are drawn from their density between the points of the fit's grid, the
        effects from their approximate posterior given psi (at the nearest point of a finer grid, to first order
        around it); with leaf quadrature the leaf's effects from their exact conditional densities. ``fit_map`` and
        ``fit_vb``: from their normal distributions. Covariance matrices are never formed.

        Parameters
        ----------
        n : int, default 1000
            Number of draws.
        rng : int or numpy.random.Generator, optional
            Source of random numbers; a number makes the draws reproducible.

        Returns
        -------
        PosteriorDraws
            Converts to an array of shape (n, p + K + q); ``log_q`` and ``log_p`` are the log densities of each draw
            in the approximation and in the model.

        Raises
        ------
        ValueError
            If `n` is not a positive integer, or a joint mode is not a maximum.
        RuntimeError
            If the approximation could not be evaluated somewhere between the points of the fit.
        """
        return dataclasses.replace(self.posterior.sample(n, rng), model=self.model)

    def posterior_predictive(self, n: int = 1000, rng: Any = None) -> Floats:
        """Draw responses of the model's own rows from their posterior predictive distribution.

        Parameters
        ----------
        n, rng
            As for `posterior_sample`.

        Returns
        -------
        float array, shape (n, nobs)
            One row for each posterior draw, one column for each row that was used (``model.index`` has their labels);
            binomial: numbers of successes; ordinal: numbers of categories from 0, in the order of ``model.response_levels``.
        """
        generator = as_generator(rng)
        return self.posterior.sample(n, generator).predictive(generator)

    def contrast(self, L: Any, alpha: float = 0.05, *, draws: int = 4000, rng: Any = 0) -> pd.DataFrame:
        """Posterior of linear combinations of the parameters.

        Parameters
        ----------
        L : array_like, str, list of str, or mapping
            Coefficients of the fixed effects, shape (p,) or (c, p); ``"a - b"``, ``"a = b"``, ``"a - 2 * b = 1"`` (the
            difference of both sides counts), or several of these; ``{"a": 1, "b": -1}``, or a Series or data frame whose
            coefficients have names; or a mapping of names to any of these. Names are those of `to_frame`: of fixed effects, of variance components (which stand for their log
            standard deviations: the difference of two is the log of a ratio, and positive where the difference of the
            standard deviations is), and of random effects, such as ``herd[1]``, or ``u[j]`` for the one with number j. A
            name of several kinds is the first of these. Names stand as they are or in back-ticks.
        alpha : float, default 0.05
            The interval has probability ``1 - alpha``.
        draws : int, default 4000
            Number of posterior draws that contrasts of more than one parameter, not all of them fixed effects, are made
            of. All others come from the fit itself.
        rng : int or numpy.random.Generator, default 0
            Source of these draws.

        Returns
        -------
        DataFrame
            One row for each contrast. Columns ``mean``, ``sd``, ``lower``, ``upper``, and ``P(> 0)``, the posterior
            probability that it is positive.

        Raises
        ------
        ValueError, TypeError
            If a contrast is not understood, is not linear, or names what is no parameter. What is not linear, such as a
            ratio, can be computed of the draws that `posterior_sample` gives; a hypothesis such as ``a > b`` is answered
            by the column ``P(> 0)`` of ``a - b``.
        """
        return contrast(self.posterior, L, alpha, draws, rng)

    hypothesis = of_fit(hypothesis)
    predict = of_fit(predict)
    predict_draws = of_fit(predict_draws)
    check = of_fit(check)
    power_scale = of_fit(power_scale)
    refine = of_result(refine)
    loo = of_fit(loo)
    waic = of_fit(waic)
    leave_out = of_fit(leave_out)
    kfold = of_fit(kfold)
    log_score = of_fit(log_score)
    r2 = of_fit(r2)
    icc = of_fit(icc)
    avg_predictions = of_fit_and_rows(avg_predictions)
    avg_comparisons = of_fit_and_rows(avg_comparisons)
    avg_slopes = of_fit_and_rows(avg_slopes)
    comparisons = of_fit_and_rows(comparisons)
    slopes = of_fit_and_rows(slopes)

    def datagrid(self, *, newdata: Any = None, **values: Any) -> pd.DataFrame:
        """Rows for predictions and comparisons at chosen values of variables, the others being typical.

        Parameters
        ----------
        newdata : DataFrame, optional
            Rows that tell what is typical. Default those of the model, as long as it has its data frame.
        **values
            One value, or a list of them, for each variable that is to have others than its typical one: any column, groups
            too. ``None`` stands for all levels of a factor.

        Returns
        -------
        DataFrame
            A row for each combination of the values. Other variables of the formula, grouping factors aside, have their
            mean, or the level that most rows have.

        Raises
        ------
        ValueError
            If there is no such column, or the model is not from a formula.
        """
        return datagrid(self.fit, own_frame(self) if newdata is None else newdata, values)

    to_datatree = of_fit(to_datatree)
    report = of_result(report)

    def plot_random_effects(
        self, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
    ) -> Axes:
        """Caterpillar plot of random effects; needs matplotlib.

        Parameters
        ----------
        term, ax, alpha
            As for `plots.plot_random_effects`.
        """
        return plots.plot_random_effects(self, term, ax, alpha)

    def plot_posterior(
        self, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
    ) -> Axes:
        """Posterior densities of the standard deviations of random effects; needs matplotlib.

        Parameters
        ----------
        term, ax, alpha
            As for `plots.plot_posterior`.
        """
        return plots.plot_posterior(self, term, ax, alpha)

    def plot_coefficients(
        self,
        names: Sequence[str] | None = None,
        ax: Axes | None = None,
        alpha: float = 0.05,
        ratio: bool = False,
    ) -> Axes:
        """Fixed effects with their intervals; needs matplotlib.

        Parameters
        ----------
        names, ax, alpha, ratio
            As for `plots.plot_coefficients`.
        """
        return plots.plot_coefficients(self, names, ax, alpha, ratio)

    def plot_effect(
        self,
        variable: str,
        by: str | None = None,
        *,
        newdata: Any = None,
        offset: Any = None,
        exposure: Any = None,
        n_trials: Any = None,
        at: Mapping[str, Any] | None = None,
        random: str | None = None,
        data: bool = True,
        ax: Axes | None = None,
        alpha: float = 0.05,
        draws: int = 1000,
        rng: Any = 0,
    ) -> Axes:
        """Mean response over the values of one variable, with the data behind; needs matplotlib.

        Parameters
        ----------
        variable, by, newdata, offset, exposure, n_trials, at, random, data, ax, alpha, draws, rng
            As for `plots.plot_effect`.
        """
        return plots.plot_effect(
            self, variable, by, newdata=newdata, offset=offset, exposure=exposure, n_trials=n_trials, at=at, random=random,
            data=data, ax=ax, alpha=alpha, draws=draws, rng=rng,
        )  # fmt: skip

    def plot_predictive_check(
        self, ax: Axes | None = None, draws: int = 500, rng: Any = 0, alpha: float = 0.05
    ) -> Axes:
        """Responses against replications drawn from the posterior; needs matplotlib.

        Parameters
        ----------
        ax, draws, rng, alpha
            As for `plots.plot_predictive_check`.
        """
        return plots.plot_predictive_check(self, ax, draws, rng, alpha)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result and its model to a file that `mixed_glm.load` reads.

        The file is a zip archive of a JSON header and arrays in numpy's format, without pickle. The data frame of a
        model from a formula is not kept, but all that is needed to encode new ones is. Variables that the formula
        took from the program are kept if they are numbers, strings, arrays and the like; give functions to `load`
        again. A file that exists is replaced only when the new one is complete.

        Parameters
        ----------
        path : path
            ``.mglm`` is a fitting suffix; none is added.

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If a level of a factor is of a type that the format cannot hold.
        """
        from mixed_glm import _saving  # formulaic, behind it, is slow to import

        _saving.save(_saving.Saved(type(self.model).__name__, self.fit.spec, self.fit), path)

    if not TYPE_CHECKING:  # a type checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Say what is here in the place of what other packages have."""
            hint = f": see {ELSEWHERE[name]}" if name in ELSEWHERE else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method}, {self.status}, of {self.model!r}>"


class BayesMixedGLMResults(MixedGLMResults[ModelT]):
    """`MixedGLMResults` of the drop-in classes: tables have statsmodels' columns, without intervals.

    `predict` without `random`, `interval` and `predictive` is statsmodels' too: the mean of the response at the posterior
    means of the fixed effects, instead of its posterior mean.
    """

    summary = of_fit(summarize_as_statsmodels)
    predict = of_fit(predict_as_statsmodels)

    def random_effects(self, term: str | int | None = None) -> pd.DataFrame:  # type: ignore[override]
        """Posterior means and standard deviations of the random effects.

        Parameters
        ----------
        term : str or int, optional
            Name (or number) of a variance component; default all.

        Returns
        -------
        DataFrame
            Columns ``Mean`` and ``SD``; index: their names, if they have any.
        """
        return super().random_effects(term)[["Mean", "SD"]]
