"""Many data sets, one answer: fits of multiply imputed data, pooled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm._effects.averages import avg_comparisons, avg_predictions, avg_slopes, comparisons, slopes
from mixed_glm._effects.hypothesis import hypothesis
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.pool import pooled
from mixed_glm._input.options import as_flag
from mixed_glm._methods import of_fit
from mixed_glm._posterior.contrast import contrast
from mixed_glm._posterior.parameter_draws import ParameterDraws
from mixed_glm._posterior.pooled import PooledPosterior
from mixed_glm._predict.draws import predict_draws
from mixed_glm._predict.predict import predict
from mixed_glm._report.summary import summarize
from mixed_glm._report.tables import covariances, estimates, intervals, random_effects
from mixed_glm._report.varcorr import varcorr
from mixed_glm.results import MixedGLMResults

__all__ = ["PooledResults", "pool"]


def pool(results: Iterable[MixedGLMResults]) -> PooledResults:
    """Pool fits of several data sets that stand for one, as multiple imputation makes them.

    The posterior is the equal mixture of theirs, which is what a Bayesian analysis of imputations from their posterior predictive
    distribution gives (Gelman et al. 2013, Bayesian Data Analysis, section 18.2): no rules for degrees of freedom are needed.

    Parameters
    ----------
    results : iterable of MixedGLMResults
        Fits of the same model to at least two data sets.

    Returns
    -------
    PooledResults

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two results, or they are not of the same model with the same parameters.
    """
    if isinstance(results, MixedGLMResults):
        raise TypeError("results must be several results, as pool([first, second]), got one")
    found = list(results)
    for number, one in enumerate(found):
        if not isinstance(one, MixedGLMResults):
            raise TypeError(f"results must hold MixedGLMResults, got {type(one).__name__} at {number}")
    if len(found) < 2:
        raise ValueError(f"results must hold at least two fits, got {len(found)}")
    return PooledResults(found, pooled([one.fit for one in found]))


class PooledResults:
    """Posterior of a model of several data sets that stand for one: the equal mixture of theirs.

    It has those methods of `MixedGLMResults` that ask the parameters, or rows that are given; what compares a model with its own
    data (`check`, `loo`, `posterior_predictive` and so on) is asked of each fit. Predictions and averages need rows: ``predict(newdata)``,
    ``avg_comparisons(newdata=...)``.

    Attributes
    ----------
    results : tuple of MixedGLMResults
        The fits.
    params, bse : float array, shape (d,)
        Posterior means and standard deviations.
    """

    def __init__(self, results: Iterable[MixedGLMResults], fit: Fit) -> None:
        self.results = tuple(results)
        self._fit = fit
        self.params, self.bse = fit.posterior.mean, fit.posterior.sd

    @property
    def fit(self) -> Fit:
        """The pooled posterior, as functions of a fit take it."""
        return self._fit

    @property
    def converged(self) -> bool:
        """Whether all fits converged."""
        return self.fit.converged

    @property
    def status(self) -> str:
        """``"converged"``, or what went wrong in one of them."""
        return self.fit.status

    summary = of_fit(summarize)
    to_frame = of_fit(estimates)
    conf_int = of_fit(intervals)
    random_effects = of_fit(random_effects)
    varcorr = of_fit(varcorr)
    cov_params = of_fit(covariances)
    hypothesis = of_fit(hypothesis)
    avg_predictions = of_fit(avg_predictions)
    avg_comparisons = of_fit(avg_comparisons)
    avg_slopes = of_fit(avg_slopes)
    comparisons = of_fit(comparisons)
    slopes = of_fit(slopes)

    def contrast(self, L: Any, alpha: float = 0.05, *, draws: int = 4000, rng: Any = 0) -> pd.DataFrame:
        """Posterior of linear combinations of the parameters.

        Parameters
        ----------
        L, alpha, draws, rng
            As for `MixedGLMResults.contrast`.
        """
        return contrast(self.fit.posterior, L, alpha, draws, rng)

    def predict(self, exog: Any, **options: Any) -> Any:
        """Predict rows, with intervals.

        Parameters
        ----------
        exog : DataFrame or array_like
            Rows.
        **options
            As for `MixedGLMResults.predict`.
        """
        return predict(self.fit, _rows(exog), **options)

    def predict_draws(self, exog: Any, **options: Any) -> Any:
        """Draw what rows have.

        Parameters
        ----------
        exog : DataFrame or array_like
            Rows.
        **options
            As for `MixedGLMResults.predict_draws`.
        """
        return predict_draws(self.fit, _rows(exog), **options)

    def posterior_sample(self, n: int = 1000, rng: Any = None) -> ParameterDraws:
        """Joint draws of all parameters, as many of each fit.

        Parameters
        ----------
        n, rng
            As for `MixedGLMResults.posterior_sample`.

        Returns
        -------
        ParameterDraws
            Converts to an array of shape (n, d); ``to_frame()`` has the names.
        """
        drawn = self.fit.posterior.sample(n, rng)
        return ParameterDraws(drawn.params, drawn.spec)

    def missing_information(self, random: bool = False) -> pd.DataFrame:
        """How much of the uncertainty is there because data are missing.

        Parameters
        ----------
        random : bool, default False
            Whether the random effects are rows too.

        Returns
        -------
        DataFrame
            Index: names. Columns: ``within``, the mean of the variances of the fits; ``between``, the variance of their means;
            ``fraction`` of missing information, (1 + 1/m) between / (within + (1 + 1/m) between) (Rubin 1987).
        """
        posterior = self.fit.posterior
        assert isinstance(posterior, PooledPosterior)
        layout, extra = self.fit.spec.layout, 1.0 + 1.0 / len(self.results)
        wanted = slice(None) if as_flag(random, "random") else layout.leading
        within, between = posterior.within[wanted], posterior.between[wanted]
        fraction = extra * between / np.maximum(within + extra * between, np.finfo(np.float64).tiny)
        columns = {"within": within, "between": between, "fraction": fraction}
        return pd.DataFrame(columns, index=layout.names[wanted])

    def __getattr__(self, name: str) -> Any:
        """Say where what compares a model with its own data is found."""
        if not name.startswith("_") and hasattr(MixedGLMResults, name):
            raise AttributeError(
                f"a pooled result has no {name}, which is about the data of one fit: ask each of .results"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __len__(self) -> int:
        """Count the fits."""
        return len(self.results)

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} fits, {self.status}, of {self.results[0].model!r}>"


def _rows(exog: Any) -> Any:
    if exog is None:
        raise ValueError("exog must be given: several data sets have no rows of their own")
    return exog
