"""What a fit returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._posterior.posterior import Posterior
from mixed_glm._report.summary import Summary, summarize
from mixed_glm._results_compare import CompareMethods
from mixed_glm._results_plots import PlotMethods
from mixed_glm._results_predict import PredictMethods

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

__all__ = ["BayesMixedGLMResults", "MixedGLMResults", "load"]

Floats = npt.NDArray[np.float64]


class MixedGLMResults(CompareMethods, PredictMethods, PlotMethods):
    """Posterior of a mixed model, as one of the fit methods found it.

    Attributes
    ----------
    model : MixedGLM
    params : float array, shape (p + K + q,)
        Posterior means (for ``fit_map`` the mode): fixed effects, log standard deviations, random effects.
    fe_mean, fe_sd : float array, shape (p,)
        Posterior means and standard deviations of the fixed effects.
    vcp_mean, vcp_sd : float array, shape (K,)
        The same for the logarithms of the standard deviations of the random effects.
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
        and ``"not a maximum"``; for ``fit_ep`` ``"fell back"`` (Laplace took its place at some points).
    converged : bool
        Whether the optimum was found; also where the status is ``"collapsed"`` or ``"fell back"``.
    n_iter : int
        Iterations of the optimizer.
    optim_retvals : OptimizeResult or None
        What the optimizer returned.
    """

    def __init__(
        self,
        model: MixedGLM,
        posterior: Posterior,
        *,
        method: str,
        log_density: float,
        status: str,
        converged: bool,
        n_iter: int,
        log_evidence: float | None = None,
        optim_retvals: Any = None,
    ) -> None:
        self.model = model
        self.posterior = posterior
        self.method = method
        self.log_density = log_density
        self.log_evidence = log_evidence
        self.status = status
        self.converged = converged
        self.n_iter = n_iter
        self.optim_retvals = optim_retvals
        self.params = posterior.mean
        self.fe_mean, self.vcp_mean, self.vc_mean = model._unpack(posterior.mean)
        self.fe_sd, self.vcp_sd, self.vc_sd = model._unpack(posterior.sd)

    @property
    def bse(self) -> Floats:
        """Posterior standard deviations of all parameters, in the order of `params`."""
        return self.posterior.sd

    @property
    def elbo(self) -> float | None:
        """Lower bound of log p(y) that a variational fit reached; None for other fits."""
        return self.log_evidence if self.method in ("vb", "vb_full") else None

    def cov_params(self) -> Floats | pd.DataFrame | pd.Series:
        """Posterior covariance of all parameters: dense, so not for very many groups; computed on demand.

        Returns
        -------
        ndarray or DataFrame, shape (d, d)
            With names if the model was made from a formula. Variances alone, shape (d,), for fits in which
            the parameters are independent.
        """
        covariance = self.posterior.covariance()
        if self.model.formula is None:
            return covariance
        names = self._names()
        if covariance.ndim == 1:
            return pd.Series(covariance, index=names)
        return pd.DataFrame(covariance, index=names, columns=names)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Central credible intervals of all parameters.

        Parameters
        ----------
        alpha : float, default 0.05
            The intervals have probability ``1 - alpha``.

        Returns
        -------
        DataFrame, shape (d, 2)
            Columns ``lower`` and ``upper``; standard deviations of random effects on the log scale.
        """
        low, high = self._interval(alpha)
        return pd.DataFrame({"lower": low, "upper": high}, index=self._names())

    def random_effects(self, term: str | int | None = None) -> pd.DataFrame:
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
        rows = np.arange(self.model.k_vc) if term is None else self._effects_of(term)
        names = self.model.vc_names
        index = None if names is None else [names[j] for j in rows]
        return pd.DataFrame({"Mean": self.vc_mean[rows], "SD": self.vc_sd[rows]}, index=index)

    def to_frame(self, alpha: float = 0.05, random: bool = False) -> pd.DataFrame:
        """All estimates as one table.

        Parameters
        ----------
        alpha : float, default 0.05
            The interval has probability ``1 - alpha``.
        random : bool, default False
            Whether the random effects are rows too.

        Returns
        -------
        DataFrame
            Index: names. Columns: ``type`` (``fixed``, ``log sd``, ``random``), ``mean``, ``sd``, ``lower``,
            ``upper``.
        """
        low, high = self._interval(alpha)
        model = self.model
        kinds = ["fixed"] * model.k_fep + ["log sd"] * model.k_vcp + ["random"] * model.k_vc
        table = pd.DataFrame(
            {"type": kinds, "mean": self.params, "sd": self.bse, "lower": low, "upper": high},
            index=self._names(),
        )
        return table if random else table.iloc[: model.k_fep + model.k_vcp]

    def summary(self, alpha: float = 0.05) -> Summary:
        """Table of the posterior as statsmodels lays it out, to print or to convert to HTML or LaTeX.

        Parameters
        ----------
        alpha : float, default 0.05
            The interval of the standard deviations has probability ``1 - alpha``.
        """
        return summarize(self, alpha)

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
        from mixed_glm._saving import save_result

        save_result(self, path)

    def _effects_of(self, term: str | int) -> npt.NDArray[np.intp]:
        """Positions of the random effects of one component."""
        return np.flatnonzero(self.model.ident == self._component(term))

    def _component(self, term: str | int) -> int:
        """Number of a component given by name or number."""
        names = self.model.vcp_names
        if isinstance(term, (int, np.integer)) and not isinstance(term, bool) and 0 <= term < len(names):
            return int(term)
        if term not in names:
            raise ValueError(
                f"term must be one of {', '.join(map(repr, names))}, or its number, got {term!r}"
            )
        return names.index(str(term))

    def _interval(self, alpha: float) -> tuple[Floats, Floats]:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
        return self.posterior.quantile(alpha / 2), self.posterior.quantile(1 - alpha / 2)

    def _names(self) -> list[str]:
        """A name for every parameter; ``u[j]`` for random effects without names."""
        model = self.model
        effects = model.vc_names or [f"u[{j}]" for j in range(model.k_vc)]
        return model.fep_names + model.vcp_names + effects

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method}, {self.status}, of {self.model!r}>"


BayesMixedGLMResults = MixedGLMResults


def load(
    path: str | os.PathLike[str], *, context: Mapping[str, Any] | None = None, trusted: bool = False
) -> MixedGLMResults:
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
    from mixed_glm._saving import load_result

    return load_result(path, context, trusted)
