"""What `MixedGLM` offers of the joint density of all parameters: its value, its derivatives and its mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._fit.joint_mode import fit_map
from mixed_glm._part import ModelPart
from mixed_glm.results import MixedGLMResults

Floats = npt.NDArray[np.float64]


class JointMethods(ModelPart):
    """The joint density."""

    def logposterior(self, params: npt.ArrayLike) -> float:
        """Log joint density log p(y, beta, psi, u), fully normalized.

        Parameters
        ----------
        params : array_like, shape (p + K + q,)
            Fixed effects, log standard deviations, random effects.

        Returns
        -------
        float
        """
        model = self._model()
        return model.core().logposterior(model._params(params))

    def logposterior_grad(self, params: npt.ArrayLike) -> Floats:
        """Gradient of `logposterior`.

        Parameters
        ----------
        params : array_like, shape (p + K + q,)
            Fixed effects, log standard deviations, random effects.

        Returns
        -------
        float array, shape (p + K + q,)
        """
        model = self._model()
        return np.asarray(model.core().logposterior_grad(model._params(params)))

    def logposterior_hess(self, params: npt.ArrayLike) -> sparse.csc_array:
        """Hessian of `logposterior`.

        Parameters
        ----------
        params : array_like, shape (p + K + q,)
            Fixed effects, log standard deviations, random effects.

        Returns
        -------
        scipy.sparse.csc_array, shape (p + K + q, p + K + q)
            Symmetric; both triangles are stored.
        """
        model = self._model()
        params = model._params(params)
        return sparse.csc_array(model.core().logposterior_hess(params), shape=(len(params), len(params)))

    def fit_map(
        self,
        method: str = "newton",
        minim_opts: Mapping[str, Any] | None = None,
        scale_fe: bool = False,
        rng: Any = None,
        start: npt.ArrayLike | None = None,
        *,
        progress: bool = False,
    ) -> MixedGLMResults:
        """Mode of the joint density of all parameters, and the inverse Hessian there.

        The search is deterministic: it starts at log standard deviations of 1, with fixed and random
        effects at their conditional mode. The joint density always has a second, degenerate mode where all
        effects of a component are zero; where the search ends there, a warning says so.

        Parameters
        ----------
        method : str, default "newton"
            ``"newton"``, a sparse trust-region method, or any method of `scipy.optimize.minimize`.
        minim_opts : mapping, optional
            Options of the method; for ``"newton"`` ``gtol`` (1e-7) and ``maxiter`` (500).
        scale_fe : bool, default False
            Fit with the columns of `exog` centred and scaled to standard deviation 1, and transform means
            and the full covariance, intercept included, back exactly. **The prior `fe_p` then applies to
            the coefficients of the standardized columns.** Without a constant column, columns are scaled
            but not centred.
        rng : int, numpy.random.Generator or RandomState, optional
            Perturbs the start. By default nothing is random.
        start : array_like, shape (p + K + q,), optional
            Start of the search, on the scale of the columns as given.
        progress : bool, default False
            Show a bar with the steps of the search so far; needs tqdm.

        Warns
        -----
        VarianceCollapseWarning
            If a component went to the mode where its effects are zero.
        ConvergenceWarning
            If the optimizer did not converge, or the point is not a maximum.
        """
        model = self._model()
        start = None if start is None else model._params(start, "start")
        return fit_map(model, method, minim_opts, scale_fe, rng, start, progress)
