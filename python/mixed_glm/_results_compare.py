"""The part of a result that judges it: checks, comparison, contrasts, and ArviZ."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mixed_glm._assess.check import Check, check
from mixed_glm._assess.loo import ELPD, loo, waic
from mixed_glm._assess.psis import LEAST_DRAWS
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._posterior.contrast import as_contrast, contrast_table
from mixed_glm._report.datatree import to_datatree
from mixed_glm._results_draws import DrawsMethods


class CompareMethods(DrawsMethods):
    """Checks, comparison, contrasts, ArviZ."""

    def check(self, draws: int = 1000, rng: Any = 0, progress: bool = False) -> Check:
        """Check the approximation of fixed effects and log standard deviations by importance sampling.

        Draws of (beta, psi) are weighted by the ratio of their posterior density, random effects integrated out, to
        that of the approximation. Where the largest ratios are much larger than the others, the approximation misses
        a part of the posterior; their Pareto k-hat tells (Vehtari et al. 2024).

        Parameters
        ----------
        draws : int, default 1000
            At least 25.
        rng : int or numpy.random.Generator, default 0
        progress : bool, default False
            Show a bar, as every draw takes about as long as a search for the mode; needs tqdm.

        Returns
        -------
        Check
            Shown as text that says what it means; ``k``, ``ok``, ``effective``, ``shift``, ...

        Notes
        -----
        Random effects are integrated out by adaptive quadrature (25 nodes) for the component with the most effects
        of which each row has at most one, so for models with one grouping factor the ratios are exact. Other
        components are integrated by Laplace's method, whose errors do not show.
        """
        n = as_count(draws, "draws")
        if n < LEAST_DRAWS:
            raise ValueError(
                f"draws must be at least {LEAST_DRAWS} to see the tail of their weights, got {n}"
            )
        return check(self.posterior_sample(n, rng), self._standardization(), progress)

    def loo(self, draws: int = 1000, rng: Any = 0, correct: bool | None = None) -> ELPD:
        """Leave-one-out cross-validation by Pareto smoothed importance sampling.

        Parameters
        ----------
        draws : int, default 1000
        rng : int or numpy.random.Generator, default 0
        correct : bool, optional
            Whether draws are weighted by the ratio of the posterior density of all parameters to that of the
            approximation (Magnusson et al. 2019). By default where these ratios can be used: where their Pareto k is
            at most 0.7, which it is not with many random effects that are not drawn exactly.

        Returns
        -------
        ELPD
            What is left out is one row, given the random effects of its group. A row with a frequency weight, or
            with several trials, counts as one.
        """
        return loo(self.posterior_sample(as_count(draws, "draws"), rng), correct)

    def waic(self, draws: int = 1000, rng: Any = 0) -> ELPD:
        """Widely applicable information criterion, as an expected log predictive density; prefer `loo`.

        Parameters
        ----------
        draws : int, default 1000
        rng : int or numpy.random.Generator, default 0
        """
        return waic(self.posterior_sample(as_count(draws, "draws"), rng))

    def to_datatree(self, draws: int = 1000, rng: Any = 0) -> Any:
        """Draws for ArviZ; needs it (``pip install 'mixed-glm[arviz]'``).

        Parameters
        ----------
        draws : int, default 1000
        rng : int or numpy.random.Generator, default 0

        Returns
        -------
        xarray.DataTree
            Before ArviZ 1, InferenceData. Groups ``posterior`` (``beta``, ``log_sd``, ``sd``, and ``u_<term>`` for
            every random term, with names of effects, components and groups as coordinates), ``log_likelihood``,
            ``posterior_predictive``, ``observed_data``, and ``sample_stats`` with the log densities ``log_p`` of the
            model and ``log_q`` of the approximation at every draw, for ``loo_approximate_posterior``.

        Raises
        ------
        ImportError
            Without ArviZ.
        """
        generator = as_generator(rng)
        sample = self.posterior_sample(as_count(draws, "draws"), generator)
        model = sample.model
        predictive = model.family.sample(sample.linear_predictor(), generator, model.n_trials)
        return to_datatree(sample, predictive)

    def contrast(self, L: Any, alpha: float = 0.05) -> pd.DataFrame:
        """Posterior of linear combinations of the fixed effects.

        Parameters
        ----------
        L : array_like, str, list of str, or mapping
            Coefficients, shape (p,) or (c, p); ``"a - b"``, ``"a = b"``, ``"a - 2 * b = 1"`` (the difference of both
            sides counts), or several of these; ``{"a": 1, "b": -1}``; or a mapping of names to any of these.
        alpha : float, default 0.05
            The interval has probability ``1 - alpha``.

        Returns
        -------
        DataFrame
            One row for each contrast. Columns ``mean``, ``sd``, ``lower``, ``upper``, and ``P(> 0)``, the posterior
            probability that it is positive.

        Raises
        ------
        ValueError, TypeError
            If a contrast is not understood, or names what is no fixed effect.
        """
        results = self._results()
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
        matrix, value, names = as_contrast(L, results.model.fep_names)
        return contrast_table(
            results.posterior.fixed_effects(results.model.k_fep), matrix, value, names, alpha
        )
