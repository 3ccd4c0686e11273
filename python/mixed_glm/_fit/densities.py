"""The densities that `MixedGLM` offers, with their derivatives: joint, marginal, and the variational bound.

The functions are the methods of `MixedGLM`: the first argument is the model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core
from mixed_glm._fit.ordinal import refuse_variational
from mixed_glm._input.arrays import as_count
from mixed_glm._posterior.curvature import hessian
from mixed_glm._spec.approximation import Approximation, Leaf
from mixed_glm._spec.correlated import INDEPENDENT_ONLY, require_independent
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.layout import as_hyper
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


def logposterior(spec: ModelSpec, params: npt.ArrayLike) -> float:
    """Log joint density log p(y, beta, psi, u), fully normalized.

    Parameters
    ----------
    params : array_like, shape (p + K + q,)
        Fixed effects, log standard deviations, random effects. For models with correlated effects, after the log standard
        deviations come numbers z without bounds, of which the canonical partial correlations are tanh(z): of two effects
        ``z = arctanh(correlation)``. Results tell the correlations themselves.

    Returns
    -------
    float
    """
    vector, change = spec.layout.checked(params), spec.coordinates
    if change is None:
        return spec.core().logposterior(vector)
    return spec.core().logposterior(change.params_to(vector)) - change.log_determinant


def logposterior_grad(spec: ModelSpec, params: npt.ArrayLike) -> Floats:
    """Gradient of `logposterior`.

    Parameters
    ----------
    params : array_like, shape (p + K + q,)
        Fixed effects, log standard deviations, random effects.

    Returns
    -------
    float array, shape (p + K + q,)
    """
    vector, change = spec.layout.checked(params), spec.coordinates
    if change is None:
        return np.asarray(spec.core().logposterior_grad(vector))
    return change.gradient_back(np.asarray(spec.core().logposterior_grad(change.params_to(vector))))


def logposterior_hess(spec: ModelSpec, params: npt.ArrayLike) -> sparse.csc_array:
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
    vector, change = spec.layout.checked(params), spec.coordinates
    if change is None:
        return hessian(spec.core(), vector)
    return change.hessian_back(hessian(spec.core(), change.params_to(vector)))


def log_marginal(
    spec: ModelSpec,
    vcp: npt.ArrayLike,
    approx: str = "laplace",
    *,
    n_quad: int | None = None,
    leaf: Leaf = "auto",
) -> float:
    """Log marginal density log p(y, psi), fixed and random effects integrated out, fully normalized.

    Parameters
    ----------
    vcp : array_like, shape (K,)
        Log standard deviations psi; for models with correlated effects, the numbers z of `logposterior` after them.
    approx : {"laplace", "leaf", "ep", "vb"}
        Laplace for all effects, quadrature for those of `leaf`, expectation propagation, or the
        variational lower bound with a full covariance.
    n_quad : int, optional
        Nodes of ``"leaf"`` (15 for a component, 9 and 7 each for two and three), ``"ep"`` (11) or ``"vb"`` (as many as each row needs).
    leaf : str, int or a list of them, default "auto"
        Component or components that ``"leaf"`` integrates by quadrature; as in `fit_laplace`.

    Returns
    -------
    float
        The estimate; for ``"vb"`` a lower bound.
    """
    return _log_marginal(spec, vcp, approx, n_quad, leaf)[0]


def log_marginal_grad(
    spec: ModelSpec,
    vcp: npt.ArrayLike,
    approx: str = "laplace",
    *,
    n_quad: int | None = None,
    leaf: Leaf = "auto",
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
    return _log_marginal(spec, vcp, approx, n_quad, leaf)[1]


def vb_elbo(spec: ModelSpec, mean: npt.ArrayLike, sd: npt.ArrayLike, *, n_quad: int | None = None) -> float:
    """Evidence lower bound of independent normal distributions of all parameters.

    Fully normalized: a lower bound of log p(y), and the higher, the closer the distributions are to the
    posterior. Expectations of the log likelihood are closed forms where there are any (Poisson, exponential),
    otherwise quadrature.

    Parameters
    ----------
    mean, sd : array_like, shape (p + K + q,)
        Means and standard deviations of fixed effects, log standard deviations, random effects.
    n_quad : int, optional
        Gauss-Hermite nodes for every row. By default as many nodes as the standard deviations of the linear
        predictors ask for: with the logit link 6 to 16 Gauss-Hermite nodes up to a standard deviation of one, and
        trapezoidal rules beyond (25 nodes at 1.5, 47 at 3, 91 at 5), which keeps E log(1 + exp(eta)) right to
        2e-8.
    """
    refuse_variational(spec, "vb_elbo")
    layout, change = spec.layout, spec.coordinates
    point, nodes = _point(spec, mean, sd), variational_nodes(n_quad)
    if change is None:
        return _core.vb_elbo(spec.core(), *point, n_quad=nodes)
    value = _core.vb_elbo(spec.core(_as_they_stand(spec)), *point, n_quad=nodes)
    at = [part[layout.fe] for part in point]
    return value + FixedPrior.of(spec, change).expectation(*at) - _plain_prior(spec).expectation(*at)


def vb_elbo_grad(
    spec: ModelSpec, mean: npt.ArrayLike, sd: npt.ArrayLike, *, n_quad: int | None = None
) -> tuple[Floats, Floats]:
    """Gradient of `vb_elbo` in `mean` and in `sd`.

    Parameters
    ----------
    mean, sd, n_quad
        As for `vb_elbo`.

    Returns
    -------
    mean : float array, shape (p + K + q,)
    sd : float array, shape (p + K + q,)
    """
    refuse_variational(spec, "vb_elbo_grad")
    layout, change = spec.layout, spec.coordinates
    point, nodes = _point(spec, mean, sd), variational_nodes(n_quad)
    if change is None:
        gradient = _core.vb_elbo_grad(spec.core(), *point, n_quad=nodes)
        return gradient.mean, gradient.sd
    gradient = _core.vb_elbo_grad(spec.core(_as_they_stand(spec)), *point, n_quad=nodes)
    at = [part[layout.fe] for part in point]
    parts = (np.array(gradient.mean), np.array(gradient.sd))
    ours, plain = FixedPrior.of(spec, change), _plain_prior(spec)
    for part, own, other in zip(
        parts, ours.expectation_gradient(*at), plain.expectation_gradient(*at), strict=True
    ):
        part[layout.fe] += own - other
    return parts


def _as_they_stand(spec: ModelSpec) -> Standardization:
    """The columns as they stand, with priors about zero."""
    return Standardization.identity(np.zeros(spec.layout.k_fep))


def _plain_prior(spec: ModelSpec) -> FixedPrior:
    return FixedPrior.of(spec, _as_they_stand(spec))


def variational_nodes(n_quad: int | None) -> int:
    """Nodes of a variational fit; 0: as many as each row needs."""
    return 0 if n_quad is None else as_count(n_quad, "n_quad")


def _log_marginal(
    spec: ModelSpec, vcp: npt.ArrayLike, approx: str, n_quad: int | None, leaf: Leaf
) -> tuple[float, Floats]:
    psi = as_hyper(vcp, "vcp", spec.layout)
    nodes = None if n_quad is None else as_count(n_quad, "n_quad")
    if approx == "vb":
        refuse_variational(spec, "approx='vb'")
        require_independent(spec.design.correlated, "approx='vb'", INDEPENDENT_ONLY)
        spec.require_known_family("approx='vb'")
    return Approximation.named(spec, approx, nodes, leaf).log_marginal(spec.core(), psi)


def _point(spec: ModelSpec, mean: npt.ArrayLike, sd: npt.ArrayLike) -> tuple[Floats, Floats]:
    require_independent(spec.design.correlated, "vb_elbo", INDEPENDENT_ONLY)
    spec.require_known_family("vb_elbo")
    return spec.layout.checked(mean, "mean"), spec.layout.checked_positive(sd)
