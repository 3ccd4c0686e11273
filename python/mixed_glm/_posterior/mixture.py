"""Posteriors that are mixtures over points in the log standard deviations psi."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.linalg

from mixed_glm import _core
from mixed_glm._posterior.curvature import hessian
from mixed_glm._posterior.draws import Drawn, draw_given_psi
from mixed_glm._posterior.few_effects import draw_few, worthwhile
from mixed_glm._posterior.fixed_effects import FixedEffects, heaviest, point_covariances, turned_cubes
from mixed_glm._posterior.gauss import GaussNodes, gauss_nodes
from mixed_glm._posterior.integral import integral
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.psi_density import KnownDensity, MomentDensity, PsiDensity, PsiDraws
from mixed_glm._posterior.psi_margins import cor_margins, known_density
from mixed_glm._posterior.quantiles import (
    expansion_cdf,
    expansion_quantile,
    line_density,
    line_margin,
    margins_cdf,
    margins_quantile,
    mixture_cdf,
    mixture_quantile,
)
from mixed_glm._posterior.ridge_density import RidgeShape
from mixed_glm._posterior.sd_density import ROUGH, SMOOTH, expansion_density, smoothed_density
from mixed_glm._posterior.some_draws import EVERY, Effects, Places, SomeDraws
from mixed_glm._posterior.standardized import draws_back
from mixed_glm._spec.approximation import Approximation
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_NEGLIGIBLE_WEIGHT = 1e-4  # of a point, for the covariance
_FEW_NODES, _WELL_KNOWN = 3, 0.05  # sd of psi up to which so many give quantiles to a millionth of an sd
_COR_SAMPLE = 8192  # points for the distribution of correlations where only moments are known
_LARGEST_CORRELATION = 1.0 - 1e-10


@dataclass(frozen=True, eq=False)
class MarginalPosterior(Posterior):
    """A mixture over M points in the d hyperparameters theta, with skew components.

    Attributes
    ----------
    mean, sd, skewness : float array, shape (p + d + q,)
    weights : float array, shape (M,)
        Of the points; they sum to one.
    points : float array, shape (M, d)
        Hyperparameters.
    log_density : float array, shape (M,)
        log p(y, theta) at the points.
    cell : float array, shape (d, d), or None
        Edges of a cell of the lattice of points, as columns; None if they are no lattice.
    fe_means, fe_sds : float array, shape (M, p)
        Means and standard deviations of the fixed effects given psi; here and below p counts the thresholds of an ordinal response,
        which stand before them.
    vc_means, vc_sds, vc_skewness : float array, shape (M, q), or empty
        Moments of the random effects given psi; empty where they would be too many.
    fe_cov : float array, shape (p, p)
        Covariance of the fixed effects.
    axes : float array, shape (d, d), or None
        ``axes @ axes.T`` is the inverse of minus the Hessian of the log density at the mode of theta.
    approximation : Approximation or None
        Of the fixed and random effects given psi. None, as `axes`, in files of versions without posterior draws.
    fe_covs : float array, shape (M, p, p), or None
        Covariances of the fixed effects given psi; None in older files, and where they would be too many.
    fe_third : float array, shape (p, p, p), or None
        Third cumulants of the fixed effects given psi, at its mode, in coordinates whitened by the lower Cholesky factor
        of their covariance; None, which is zero, in older files and for very many fixed effects.
    ridge : RidgeShape or None
        Shape of the density of psi that the points were sampled with; None for other points.
    """

    skewness: Floats
    weights: Floats
    points: Floats
    log_density: Floats
    cell: Floats | None
    fe_means: Floats
    fe_sds: Floats
    vc_means: Floats
    vc_sds: Floats
    vc_skewness: Floats
    fe_cov: Floats
    axes: Floats | None = None
    approximation: Approximation | None = None
    fe_covs: Floats | None = None
    fe_third: Floats | None = None
    ridge: RidgeShape | None = None

    @classmethod
    def of(cls, spec: ModelSpec, approximation: Approximation, fit: _core.MarginalFit) -> MarginalPosterior:
        """Take over what the core found."""
        mean, sd = fit.mean, fit.sd
        fe_means, fe_sds, fe_cov = fit.points_fe_mean, fit.points_fe_sd, fit.fe_cov
        points, p = fe_means.shape
        flat, cubes = fit.points_fe_cov, fit.fe_third
        kept = flat.size == points * p * p
        fe_covs = flat.reshape(points, p, p) if kept else None
        fe_third = cubes.reshape(p, p, p) if cubes.size else None
        change = spec.coordinates
        if change is not None:
            if fe_covs is None:
                fe_covs = point_covariances(fit.weights, fe_means, fe_sds, fe_cov)
            mean, sd = change.params_back(mean), change.sd_back(sd, fe_cov)
            fe_means, fe_cov = change.fixed_back(fe_means), change.fixed_covariance_back(fe_cov)
            before = fe_covs
            fe_covs = change.matrix @ fe_covs @ change.matrix.T
            if fe_third is not None:
                top = heaviest(fit.weights)
                fe_third = turned_cubes(fe_third, before[top], fe_covs[top], change.matrix)
            fe_sds = np.sqrt(np.diagonal(fe_covs, axis1=1, axis2=2))
            fe_covs = fe_covs if kept else None
        return cls(
            mean=mean,
            sd=sd,
            spec=spec,
            skewness=fit.skewness if spec.layout.order is None else fit.skewness[spec.layout.order],
            weights=fit.weights,
            points=fit.points_vcp,
            log_density=fit.points_log_density,
            cell=fit.cell,
            fe_means=fe_means,
            fe_sds=fe_sds,
            vc_means=fit.points_vc_mean,
            vc_sds=fit.points_vc_sd,
            vc_skewness=fit.points_vc_skewness,
            fe_cov=fe_cov,
            axes=fit.mode_axes,
            approximation=approximation,
            fe_covs=fe_covs,
            fe_third=fe_third,
            ridge=RidgeShape.of(fit.ridge),
        )

    @cached_property
    def fe_skewness(self) -> Floats:
        """Skewness of the fixed effects given psi, shape (p,)."""
        return self.fixed_effects().skewness(np.eye(self.fe_means.shape[1]))

    def quantile(self, level: float, effects: Effects = EVERY) -> Floats:
        """Marginal quantiles of all parameters, shape (p + K + q,); of random effects only those with these numbers.

        Fixed and random effects: of the mixture over psi. psi: of its density on a grid, interpolated, or of that with
        the shape and the moments found along ridges; without either, from its moments.
        """
        out = expansion_quantile(
            *self._moments_with(effects), self.with_effects(self.skewness, effects), level
        )
        layout = self.spec.layout
        used = self.weights > 0.0
        weights = self.weights[used]
        out[layout.fixed] = mixture_quantile(
            weights, self.fe_means[used], self.fe_sds[used], self.fe_skewness, level
        )
        if self.vc_means.size:
            out[layout.vc] = mixture_quantile(*self._mixture_of(effects), level)
        if self._margins is not None:
            out[layout.hyper] = margins_quantile(self._margins, level)
        out[layout.cor] = margins_quantile(self._cor_margins, level)
        return out

    def cdf(self, values: Floats, effects: Effects = EVERY) -> Floats:
        """Marginal probabilities that each parameter is below `values`: the inverse of `quantile`."""
        out = expansion_cdf(*self._moments_with(effects), self.with_effects(self.skewness, effects), values)
        layout = self.spec.layout
        used = self.weights > 0.0
        weights = self.weights[used]
        out[layout.fixed] = mixture_cdf(
            weights, self.fe_means[used], self.fe_sds[used], self.fe_skewness, values[layout.fixed]
        )
        if self.vc_means.size:
            out[layout.vc] = mixture_cdf(*self._mixture_of(effects), values[layout.vc])
        if self._margins is not None:
            out[layout.hyper] = margins_cdf(self._margins, values[layout.hyper])
        out[layout.cor] = margins_cdf(self._cor_margins, values[layout.cor])
        return out

    def _mixture_of(self, effects: Effects) -> tuple[Floats, Floats, Floats, Floats]:
        """Weights, shape (M,), and means, standard deviations and skewness of some random effects, shape (M, m) each.

        At the points with weight; where these are so close that moments hardly bend between them, at few nodes.
        """
        used = self.weights > 0.0
        mean, sd, skewness = (
            moment[:, effects][used] for moment in (self.vc_means, self.vc_sds, self.vc_skewness)
        )
        nodes = self._few_nodes
        if nodes is None:
            return self.weights[used], mean, sd, skewness
        return nodes.weights, nodes.at_nodes(mean), nodes.at_nodes(sd), nodes.at_nodes(skewness)

    @cached_property
    def _few_nodes(self) -> GaussNodes | None:
        """What stands for all points with weight in a single hyperparameter that the data know well."""
        used = self.weights > 0.0
        if self.points.shape[1] != 1 or used.sum() <= _FEW_NODES:
            return None
        points, weights = self.points[used, 0], self.weights[used] / self.weights[used].sum()
        if weights @ (points - weights @ points) ** 2 > _WELL_KNOWN**2:
            return None
        return gauss_nodes(points, weights, _FEW_NODES)

    def psi_density(self, component: int) -> tuple[Floats, Floats]:
        """Density of the log standard deviation psi of a component, on a grid of increasing values; see `Posterior`."""
        if self._is_line:
            psi, density = line_density(self.points[:, 0], self.log_density)
        elif self._margins is not None:
            psi, density = smoothed_density(*self._margins[component], self._roughness)
        else:
            place = self.spec.layout.hyper.start + component
            return expansion_density(self.mean[place], self.sd[place], float(self.skewness[place]))
        return psi, density / integral(density, psi)

    def cor_density(self, number: int) -> tuple[Floats, Floats]:
        """Density of a correlation, on a grid of increasing values; see `Posterior`."""
        knots, probability = self._cor_margins[number]
        inside = np.clip(knots, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
        z, density = smoothed_density(
            np.arctanh(inside), probability, self._roughness
        )  # on the scale without bounds
        rho = np.tanh(z)
        density = density * np.cosh(z) ** 2
        return rho, density / integral(density, rho)

    @cached_property
    def _cor_margins(self) -> list[tuple[Floats, Floats]]:
        """Distribution functions of the correlations, piecewise linear."""
        layout = self.spec.layout
        if not layout.cor_orders:
            return []
        known = self._known_density
        if known is not None:
            return cor_margins(layout, known.margins, known.sample, known.weights)
        sample = self._psi_density().draw(_COR_SAMPLE, np.random.default_rng(0)).psi
        return cor_margins(layout, None, sample, np.full(_COR_SAMPLE, 1.0 / _COR_SAMPLE))

    @property
    def _is_line(self) -> bool:
        return self.cell is not None and self.points.shape[1] == 1

    @cached_property
    def _margins(self) -> list[tuple[Floats, Floats]] | None:
        """Marginal distribution functions of psi, piecewise linear; None where only its moments are known."""
        if self._is_line:
            return [line_margin(self.points[:, 0], self.log_density)]
        known = self._known_density
        return None if known is None else known.margins

    @cached_property
    def _known_density(self) -> KnownDensity | None:
        """The density of psi, where more than its moments is known."""
        return known_density(self.points, self.weights, self.log_density, self.cell, self.axes, self.ridge)

    @property
    def _roughness(self) -> float:
        """Bandwidth for the marginal densities of psi."""
        return SMOOTH if self.cell is not None else ROUGH

    def fixed_effects(self) -> FixedEffects:
        """Joint posterior of the fixed effects."""
        used = self.weights > 0.0
        weights, means, sds = self.weights[used], self.fe_means[used], self.fe_sds[used]
        covariances = (
            point_covariances(weights, means, sds, self.fe_cov)
            if self.fe_covs is None
            else self.fe_covs[used]
        )
        change = self.spec.coordinates
        return FixedEffects(
            weights, means, covariances, self.fe_third, None if change is None else change.matrix
        )

    def fixed_at_mode(self) -> tuple[Floats, Floats]:
        """Mean and covariance of the fixed effects at the likeliest of the points, shapes (p,) and (p, p)."""
        if self.fe_covs is None:
            return super().fixed_at_mode()
        at = heaviest(self.weights)
        return self.fe_means[at], self.fe_covs[at]

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws of all parameters.

        psi is drawn from its density between the points, and the effects from their approximate posterior at the
        nearest point of a finer lattice, whose mean moves on to the psi drawn to first order: fixed effects with their
        joint third cumulants, random effects with their skewness and the copula of a Gaussian. Effects of a leaf are
        drawn from their exact conditional densities given psi and all other effects. Where the mode of psi was plugged
        in, the effects do not depend on the psi drawn.
        """
        layout, how = self.spec.layout, self.approximation
        if how is None:
            raise ValueError("this result was saved by a version without posterior draws: fit the model anew")
        psi = self._psi_density().draw(n, rng)
        drawn = draw_given_psi(self._sampler(how), self._given(psi), psi.nodes, rng)
        drawn.params[:, layout.core.hyper] = layout.told(psi.psi)
        return draws_back(self.change, drawn.plus(psi.log_density))

    def _sampler(self, how: Approximation) -> _core.ConditionalDraws:
        """Of the effects given psi."""
        sampler = _core.ConditionalDraws(self.spec.core(), how.core)
        if self.fe_third is not None:
            sampler.expand_fixed(self.points[heaviest(self.weights)], thorough=len(self.points) > 1)
        return sampler

    def _given(self, psi: PsiDraws) -> Floats:
        """What the effects are drawn given: the psi drawn, or the mode where that was plugged in."""
        return psi.nodes if len(self.points) == 1 else psi.psi

    def draw_some(self, effects: Places, n: int, rng: np.random.Generator) -> SomeDraws:
        """Joint draws of fixed effects, log standard deviations and some random effects.

        Without random effects, or with few of many, the fixed effects come from their mixture, and the random effects from
        the rows that these touch; see `few_effects`. Otherwise, of the effects of a leaf, only those asked for are drawn.
        """
        how = self.approximation
        if how is None:
            return super().draw_some(effects, n, rng)
        around = worthwhile(self.spec, how, effects, n) if len(effects) else None
        psi = self._psi_density().draw(n, rng)
        if len(effects) and around is None:
            return self._draw_wanted(how, effects, psi, rng)
        given = self._given(psi)
        none, layout = np.empty((n, 0)), self.spec.layout
        fixed = self._draw_fixed(given, rng)
        first = fixed.shape[1] - layout.k_fep
        drawn = SomeDraws(fixed[:, first:], given, none, effects[:0], layout, fixed[:, :first])
        if around is not None:
            drawn = draw_few(self.spec, how, around, drawn, effects, rng)
        return replace(drawn, hyper=layout.told(psi.psi))

    def _draw_wanted(
        self, how: Approximation, effects: Places, psi: PsiDraws, rng: np.random.Generator
    ) -> SomeDraws:
        """Those of `draw`, as far as they are asked for."""
        layout, change, sampler = self.spec.layout, self.change, self._sampler(how)
        sampler.want(effects.tolist())
        params = draw_given_psi(sampler, self._given(psi), psi.nodes, rng).params
        p = len(layout.fixed)
        fixed = params[:, :p] if change is None else change.fixed_back(params[:, :p])
        first, vc = p - layout.k_fep, params[:, p + layout.k_hyper :]
        return SomeDraws(fixed[:, first:], layout.told(psi.psi), vc, effects, layout, fixed[:, :first])

    def _draw_fixed(self, psi: Floats, rng: np.random.Generator) -> Floats:
        """Draws of the fixed effects, one for each psi, shape (n, p).

        From the nearest of the points, the mean moved on to psi by the slope that the means have over all points.
        """
        assert self.axes is not None
        used = self.weights > 0.0
        weights, points, fixed = self.weights[used], self.points[used], self.fixed_effects()
        if not points.shape[1]:
            return fixed.sample(len(psi), rng)
        white, at = (np.linalg.solve(self.axes, x.T).T for x in (points, psi))
        nearest = ((at**2).sum(axis=1)[:, None] - 2.0 * at @ white.T + (white**2).sum(axis=1)).argmin(axis=1)
        root = np.sqrt(weights)[:, None]
        off, means = white - weights @ white, fixed.means - weights @ fixed.means
        slopes = np.linalg.lstsq(root * off, root * means, rcond=1e-8)[0]
        moved = fixed.means[nearest] + (at - white[nearest]) @ slopes
        return np.asarray(moved + fixed.deviations(nearest, rng))

    def _psi_density(self) -> PsiDensity:
        assert self.axes is not None
        if self._known_density is not None:
            return self._known_density
        layout = self.spec.layout
        mean = self.weights @ self.points if layout.cor_orders else self.mean[layout.hyper]
        deviations = self.points - mean
        if len(self.points) == 1:
            covariance, node = self.axes @ self.axes.T, self.points[0]
        else:
            covariance, node = (self.weights[:, None] * deviations).T @ deviations, None
        scale = np.sqrt(covariance.diagonal())
        correlation = covariance / np.outer(scale, scale)
        if not layout.cor_orders:
            return MomentDensity(mean, self.sd[layout.hyper], self.skewness[layout.hyper], correlation, node)
        return MomentDensity(mean, scale, self.weights @ deviations**3 / scale**3, correlation, node)

    def covariance(self) -> Floats:
        """Dense covariance of all parameters, shape (d, d), computed on demand.

        Correlations are those of the Gaussians at the conditional modes, mixed over psi; standard deviations are
        this posterior's own.
        """
        layout, core = self.spec.layout, self.spec.core()
        keep = self.weights > _NEGLIGIBLE_WEIGHT
        coefficients = layout.core.coefficients
        modes = np.array([core.conditional_mode(psi) for psi in self.points[keep]])
        weights = self.weights[keep] / self.weights[keep].sum()
        told = modes.copy()
        told[:, layout.core.hyper] = layout.told(modes[:, layout.core.hyper])
        deviations = told - weights @ told
        covariance = (weights[:, None] * deviations).T @ deviations
        for weight, mode in zip(weights, modes, strict=True):
            precision = -hessian(core, mode).toarray()[np.ix_(coefficients, coefficients)]
            inverse = scipy.linalg.cho_solve(scipy.linalg.cho_factor(precision), np.eye(len(precision)))
            covariance[np.ix_(coefficients, coefficients)] += weight * inverse
        if self.change is not None:
            covariance = self.change.covariance_back(covariance)
        if len(modes) == 1:
            covariance[layout.hyper, layout.hyper] = np.diag(self.sd[layout.hyper] ** 2)
        scale = self.sd / np.sqrt(covariance.diagonal())
        return np.asarray(covariance * np.outer(scale, scale))
