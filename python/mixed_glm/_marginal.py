"""The part of `MixedGLM` that integrates fixed and random effects out: Laplace, leaf quadrature, EP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm._fit.marginal import EP_N_QUAD, Approximation, fit_marginal
from mixed_glm._input.arrays import as_count, as_vector
from mixed_glm._part import ModelPart
from mixed_glm.results import MixedGLMResults

Floats = npt.NDArray[np.float64]


class MarginalMethods(ModelPart):
    """Laplace, leaf quadrature, expectation propagation."""

    def fit_laplace(
        self,
        n_quad: int = 1,
        leaf: str | int = "auto",
        integrate: str = "auto",
        mean_correction: bool = True,
        *,
        method: str = "newton",
        minim_opts: Mapping[str, Any] | None = None,
        start: npt.ArrayLike | None = None,
        progress: bool = False,
        n_jobs: int = 1,
    ) -> MixedGLMResults:
        """Marginal posterior of the log standard deviations, with all effects integrated out.

        Given the log standard deviations psi, fixed and random effects are integrated by the Laplace approximation
        with the second-order correction of their mean, or, with ``n_quad > 1``, one component (the leaf) by
        adaptive Gauss-Hermite quadrature and all others by Laplace. psi itself is integrated over a grid.

        Parameters
        ----------
        n_quad : int, default 1
            Nodes of the quadrature over the leaf. 1: Laplace for all. 15 to 25 are right for binary data with a
            handful of rows a group, where Laplace is not.
        leaf : str or int, default "auto"
            Name or number of the component to integrate by quadrature: each row must touch at most one of its
            effects. Default: of these, the one with the most effects.
        integrate : {"auto", "grid", "ccd", "mode"}
            How psi is integrated: a grid (default up to five components), a central composite design (beyond), or
            not at all, by plugging in its mode.
        mean_correction : bool, default True
            Whether means are corrected to second order; without, they are conditional modes.
        method : str, default "newton"
            Search for the mode of psi: the core's own, or any method of `scipy.optimize.minimize`.
        minim_opts : mapping, optional
            Options of the method; for ``"newton"`` ``tol`` (1e-6, of the squared distance to the mode in posterior
            standard deviations) and ``maxiter`` (200).
        start : array_like, shape (K,), optional
            Log standard deviations at which the search begins; default zeros.
        progress : bool, default False
            Show a bar with the evaluations of the density so far; needs tqdm.
        n_jobs : int, default 1
            Threads for the passes over the rows and for large factorizations; -1: as many as there are processors
            for this process, -2: one less. Results are the same to the last bit for any number. Below some ten
            thousand rows, and for the quadrature over the leaf itself, one thread does all the work. For many
            models at a time, give each one thread.

        Raises
        ------
        ValueError
            If an argument does not fit; if there is no component that could be the leaf.
        RuntimeError
            If the density could not be evaluated at all.

        Warns
        -----
        ConvergenceWarning
            If the mode of psi was not found, or points of the grid had to be left out.

        References
        ----------
        Tierney and Kadane (1986), JASA 81, 82-86; Rue, Martino and Chopin (2009), JRSS B 71, 319-392.
        """
        n_quad = as_count(n_quad, "n_quad")
        model = self._model()
        vcp = None if start is None else as_vector(start, "start", model.k_vcp, what="variance components")
        approximation = Approximation.laplace(model, n_quad, leaf, mean_correction)
        return fit_marginal(model, approximation, integrate, method, minim_opts, vcp, progress, n_jobs)

    def fit_ep(
        self,
        integrate: str = "auto",
        *,
        n_quad: int = EP_N_QUAD,
        method: str = "newton",
        minim_opts: Mapping[str, Any] | None = None,
        start: npt.ArrayLike | None = None,
        progress: bool = False,
        n_jobs: int = 1,
    ) -> MixedGLMResults:
        """Marginal posterior of the log standard deviations by expectation propagation.

        Given the log standard deviations psi, the Gaussian of fixed and random effects matches the moments of every
        row's tilted density; psi itself is integrated as in `fit_laplace`. The most accurate method where several
        components have few rows an effect, as crossed factors with binary data. Where many rows are equal in covariates,
        groups and offset, they are merged before and share one site, which is more accurate than one for each.

        Parameters
        ----------
        integrate : {"auto", "grid", "ccd", "mode"}
            As for `fit_laplace`.
        n_quad : int, default 11
            Nodes for each tilted density, placed at its mode.
        method, minim_opts, start, progress, n_jobs
            As for `fit_laplace`.

        Warns
        -----
        ConvergenceWarning
            If the mode of psi was not found, or expectation propagation did not converge at some psi, where the
            Laplace approximation then took its place (status ``"fell back"``).

        References
        ----------
        Minka (2001), UAI 17, 362-369; Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, 3.6.
        """
        model = self._model()
        vcp = None if start is None else as_vector(start, "start", model.k_vcp, what="variance components")
        approximation = Approximation("ep", n_quad=as_count(n_quad, "n_quad"))
        return fit_marginal(model, approximation, integrate, method, minim_opts, vcp, progress, n_jobs)

    def log_marginal(
        self,
        vcp: npt.ArrayLike,
        approx: str = "laplace",
        *,
        n_quad: int | None = None,
        leaf: str | int = "auto",
    ) -> float:
        """Log marginal density log p(y, psi), fixed and random effects integrated out, fully normalized.

        Parameters
        ----------
        vcp : array_like, shape (K,)
            Log standard deviations psi.
        approx : {"laplace", "leaf", "ep", "vb"}
            Laplace for all effects, quadrature for those of the component `leaf`, expectation propagation, or the
            variational lower bound with a full covariance.
        n_quad : int, optional
            Nodes of ``"leaf"`` (15), ``"ep"`` (11) or ``"vb"`` (as many as each row needs).
        leaf : str or int, default "auto"
            Component that ``"leaf"`` integrates by quadrature; as in `fit_laplace`.

        Returns
        -------
        float
            The estimate; for ``"vb"`` a lower bound.
        """
        return self._log_marginal(vcp, approx, n_quad, leaf)[0]

    def log_marginal_grad(
        self,
        vcp: npt.ArrayLike,
        approx: str = "laplace",
        *,
        n_quad: int | None = None,
        leaf: str | int = "auto",
    ) -> Floats:
        """Gradient of `log_marginal` in the log standard deviations.

        Parameters
        ----------
        vcp, approx, n_quad, leaf
            As for `log_marginal`.

        Returns
        -------
        float array, shape (K,)
        """
        return self._log_marginal(vcp, approx, n_quad, leaf)[1]

    def _log_marginal(
        self, vcp: npt.ArrayLike, approx: str, n_quad: int | None, leaf: str | int
    ) -> tuple[float, Floats]:
        model = self._model()
        psi = as_vector(vcp, "vcp", model.k_vcp, what="variance components")
        nodes = None if n_quad is None else as_count(n_quad, "n_quad")
        return Approximation.named(model, approx, nodes, leaf).log_marginal(model.core(), psi)
