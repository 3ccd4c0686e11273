"""The priors of a model, from what the user said of them: numbers, names, distributions, or nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_prior_sd
from mixed_glm._input.owned import protect
from mixed_glm.priors import COEFFICIENT, CORRELATION, LKJ, SD, LogNormal, Normal, Prior

Floats = npt.NDArray[np.float64]

ALL_SDS, ALL_CORRELATIONS = "sd", "cor"
FAMILY = "parameter of the family"
ANY_FAMILY = "dispersion"  # the name of it, whatever the family calls it
AT_MEANS = "at the means of the columns"  # the place of the intercept's prior


@dataclass(frozen=True)
class ModelPriors:
    """Priors of p fixed effects, of thresholds, of K standard deviations, and of the correlations of each term that has some.

    Attributes
    ----------
    fe : tuple of Normal
        Of the thresholds of an ordinal response, which are restricted to be ordered, then of fixed effects.
    sd : tuple of Prior
    constant : int
        Fixed effect whose prior is that of the linear predictor where all other columns are at their means; -1: none, and
        every prior is that of the coefficient as it stands. 0 where it is the thresholds that are those at the means.
    mixing : float array, shape (p, p), or None
        M: the priors of the fixed effects are those of the coefficients of the columns X M, in which covariates are about their means;
        None for the columns as they stand.
    family : tuple of Prior
        Of the parameters of the family that the data estimate.
    unit : float
        That of the response, in which those stand that were not given; 1 where responses have no unit.
    given : {"none", "some", "all"}
        How many of the priors were given.
    cor : tuple of LKJ
    thresholds : int
        Number of thresholds.
    """

    fe: tuple[Normal, ...]
    sd: tuple[Prior, ...]
    constant: int = -1
    mixing: Floats | None = field(default=None, compare=False)
    family: tuple[Prior, ...] = ()
    unit: float = 1.0
    given: str = "some"
    cor: tuple[LKJ, ...] = ()
    thresholds: int = 0

    def __post_init__(self) -> None:
        """Make the array read-only."""
        protect(self.mixing)

    @cached_property
    def fe_loc(self) -> Floats:
        """Means of the priors of the fixed effects, shape (p,), read-only."""
        return _read_only([prior.loc for prior in self.fe])

    @cached_property
    def fe_scale(self) -> Floats:
        """Standard deviations of the priors of the fixed effects, shape (p,), read-only."""
        return _read_only([prior.scale for prior in self.fe])

    @cached_property
    def sd_scale(self) -> Floats:
        """Standard deviations of the priors of the log standard deviations, shape (K,), read-only; NaN where not normal."""
        return _read_only([prior.sigma if isinstance(prior, LogNormal) else np.nan for prior in self.sd])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed of the fields: arrays come back from a pickle writable."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the array read-only again."""
        self.__dict__.update({"cor": ()} | state)
        protect(self.mixing)

    @cached_property
    def of_log_sds(self) -> tuple[Floats, Floats]:
        """Middle and width of the priors of the log standard deviations, shape (K,) each: as of a normal one, by quantiles."""
        parts = [_middle_and_width(prior) for prior in self.sd]
        return _read_only([a for a, _ in parts]), _read_only([b for _, b in parts])

    @cached_property
    def of_log_shapes(self) -> tuple[Floats, Floats]:
        """The same of those of the parameters of the family."""
        parts = [_middle_and_width(prior) for prior in self.family]
        return _read_only([a for a, _ in parts]), _read_only([b for _, b in parts])

    def per_unit(self) -> ModelPriors:
        """Priors of which none was given, of a response divided by its unit."""

        def of_logs(own: tuple[Prior, ...]) -> tuple[Prior, ...]:
            return tuple(
                LogNormal(p.mu - np.log(self.unit), p.sigma) if isinstance(p, LogNormal) else p for p in own
            )

        fe = tuple(Normal(p.loc / self.unit, p.scale / self.unit) for p in self.fe)
        return replace(self, fe=fe, sd=of_logs(self.sd), family=of_logs(self.family), unit=1.0)

    def without_fixed(self) -> ModelPriors:
        """All others, of a model without fixed effects."""
        return ModelPriors((), self.sd, family=self.family, cor=self.cor)

    def is_mixed(self, place: int) -> bool:
        """Whether a fixed effect's prior is that of the coefficient with covariates at their means."""
        place -= self.thresholds
        return self.mixing is not None and place >= 0 and not is_alone(self.mixing, place)

    def is_at_means(self, place: int) -> bool:
        """Whether the prior of a fixed effect or threshold is one with covariates at their means."""
        of_constant = place == self.constant or (self.constant >= 0 and place < self.thresholds)
        return of_constant or self.is_mixed(place)

    @property
    def in_units(self) -> bool:
        """Whether there are priors of coefficients of other columns than those as they stand."""
        return self.constant >= 0 or self.mixing is not None

    def told(
        self,
        fep_names: Sequence[str],
        vcp_names: Sequence[str],
        family_names: Sequence[str] = (),
        terms: Sequence[str] = (),
    ) -> list[tuple[str, str, str]]:
        """Of each parameter, thresholds before the `fep_names`, its name, its prior, and of what that is the prior."""
        of = [
            AT_MEANS if self.is_at_means(j) else "threshold" if j < self.thresholds else "coefficient"
            for j in range(len(self.fe))
        ]
        of += [SD] * len(self.sd) + ["correlations"] * len(self.cor) + [FAMILY] * len(self.family)
        names = [*fep_names, *map(sd_name, vcp_names), *map(cor_name, terms), *family_names]
        priors = map(repr, (*self.fe, *self.sd, *self.cor, *self.family))
        return list(zip(names, priors, of, strict=True))


def is_alone(mixing: Floats, place: int) -> bool:
    """Whether a coefficient is the same in the mixed columns."""
    return bool(mixing[place, place] == 1.0 and np.count_nonzero(mixing[place]) == 1)


def _read_only(numbers: list[float]) -> Floats:
    array = np.array(numbers, dtype=float)
    array.setflags(write=False)
    return array


_FARTHEST = 690.0  # logarithm of a standard deviation that is a number: of gamma distributions with a shape near zero all are zero


def _middle_and_width(prior: Prior) -> tuple[float, float]:
    if isinstance(prior, LogNormal):
        return prior.mu, prior.sigma
    with np.errstate(divide="ignore"):
        logs = np.log(prior.quantile([0.1587, 0.5, 0.8413]))
    low, middle, high = np.clip(logs, -_FARTHEST, _FARTHEST)
    least = _FARTHEST / 2.0 if np.abs(logs).max() > _FARTHEST else 1e-10  # wider; or one point by rounding
    return float(middle), max(float(high - low) / 2.0, least)


def sd_name(component: str) -> str:
    """How the standard deviation of a component is called: ``sd(herd)``."""
    return f"sd({component})"


def cor_name(term: str) -> str:
    """How the correlations of a term are called together: ``cor(herd)``."""
    return f"cor({term})"


@dataclass(frozen=True)
class Defaults:
    """What is taken where nothing is said.

    Attributes
    ----------
    fe : tuple of Normal
    sd : tuple of LogNormal
    constant : int
        As in `ModelPriors`; -1 where there is no constant column.
    family : tuple of LogNormal
    unit : float
        That of the response.
    """

    fe: tuple[Normal, ...]
    sd: tuple[LogNormal, ...]
    constant: int
    family: tuple[LogNormal, ...] = ()
    unit: float = 1.0

    @classmethod
    def of(
        cls,
        loc: Floats,
        scale: Floats,
        mu: Floats,
        constant: int,
        family: Sequence[tuple[float, float]] = (),
        unit: float = 1.0,
    ) -> Defaults:
        """From the numbers that the core has for them (cpp/include/mixed_glm/fit/default_priors.hpp)."""
        fe = tuple(Normal(m, s) for m, s in zip(loc.tolist(), scale.tolist(), strict=True))
        of_family = tuple(LogNormal(m, s) for m, s in family)
        return cls(fe, tuple(LogNormal(m, 1.0) for m in mu.tolist()), constant, of_family, unit)


def resolve_priors(
    fe_p: Any,
    vcp_p: Any,
    priors: Mapping[str, Any] | None,
    fep_names: list[str],
    vcp_names: list[str],
    defaults: Callable[[Floats | None], Defaults],
    mixing: Floats | None = None,
    family_names: Sequence[str] = (),
    terms: Sequence[str] = (),
    threshold_names: Sequence[str] = (),
) -> ModelPriors:
    """Bring together what was given: `priors` before numbers; `defaults` are asked for only where nothing was.

    A prior of a coefficient as it stands cannot be one of the mixed columns: `mixing` is then left out.

    Raises
    ------
    ValueError, TypeError
        For names that are none of the model's, and things that are no prior.
    """
    m, what = len(threshold_names), "fixed effects and thresholds" if threshold_names else "fixed effects"
    fep_names = [*threshold_names, *fep_names]
    fe: list[Prior | None] = _by_number(fe_p, "fe_p", fep_names, what, lambda s: Normal(0.0, s))
    sd: list[Prior | None] = _by_number(
        vcp_p, "vcp_p", vcp_names, "variance components", lambda s: LogNormal(0.0, s)
    )
    family: list[Prior | None] = [None] * len(family_names)
    cor: list[Prior | None] = [LKJ(1.0) for _ in terms]
    _by_name(
        priors,
        _Named(
            {
                COEFFICIENT: (fep_names, fe),
                SD: (vcp_names, sd),
                CORRELATION: (list(terms), cor),
                FAMILY: (list(family_names), family),
            }
        ),
    )
    correlations: tuple[LKJ, ...] = tuple(cor)  # type: ignore[arg-type]
    if None not in fe and None not in sd and None not in family:
        own: Any = [tuple(part) for part in (fe, sd, family)]
        return ModelPriors(own[0], own[1], family=own[2], given="all", cor=correlations, thresholds=m)
    given = "none" if fe_p is None and vcp_p is None and not priors else "some"
    if None not in fe and None not in sd:
        mixing = None
    if mixing is not None and any(
        prior is not None and not is_alone(mixing, j) for j, prior in enumerate(fe[m:])
    ):
        mixing = None
    default = defaults(mixing)
    of_constant = fe[:m] if m else fe[default.constant : default.constant + 1]
    constant = default.constant if default.constant >= 0 and not any(of_constant) else -1
    filled = [default.fe[j] if prior is None else prior for j, prior in enumerate(fe)]
    return ModelPriors(
        tuple(filled),  # type: ignore[arg-type]
        tuple(default.sd[k] if prior is None else prior for k, prior in enumerate(sd)),
        constant,
        mixing,
        tuple(default.family[k] if prior is None else prior for k, prior in enumerate(family)),
        default.unit,
        given,
        correlations,
        m,
    )


def _by_number(
    value: Any, argument: str, names: list[str], what: str, make: Callable[[float], Prior]
) -> list[Prior | None]:
    """Priors from standard deviations: one number, one for each, or some by name."""
    if value is None:
        return [None] * len(names)
    if isinstance(value, pd.Series) and not value.index.equals(pd.RangeIndex(len(value))):
        if not value.index.is_unique:
            raise ValueError(
                f"{argument} must name each of the {what} once, got {value.index[value.index.duplicated()][0]!r} twice"
            )
        value = value.to_dict()
    if isinstance(value, Mapping):
        given = {str(name): number for name, number in value.items()}
        for name in given:
            if name not in names:
                raise ValueError(f"{argument}: {_no_such(name, names, what)}")
        scales = as_prior_sd(list(given.values()), argument, len(given), what)
        found = dict(zip(given, scales.tolist(), strict=True))
        return [make(found[name]) if name in found else None for name in names]
    each = as_prior_sd(value, argument, len(names), what).tolist()
    made = {scale: make(scale) for scale in each}
    return [made[scale] for scale in each]


@dataclass(frozen=True)
class _Named:
    """What may have a prior by name, and where it goes: of each kind the names, and a list with a place for each."""

    kinds: dict[str, tuple[list[str], list[Prior | None]]]

    @property
    def known(self) -> list[str]:
        """All names, as messages have them."""
        fe, sd, terms, family = (names for names, _ in self.kinds.values())
        of_correlations = [*map(cor_name, dict.fromkeys(terms)), *[ALL_CORRELATIONS] * bool(terms)]
        return [*fe, *map(sd_name, sd), *family, ALL_SDS, *of_correlations]

    def places(self, name: str) -> tuple[str, list[int]] | None:
        """The kind of what has this name, and its numbers."""
        fe, sd, terms, family = (names for names, _ in self.kinds.values())
        if name in fe:
            return COEFFICIENT, [fe.index(name)]
        if name == ALL_SDS:
            return SD, list(range(len(sd)))
        of_terms = [t for t, term in enumerate(terms) if name in (ALL_CORRELATIONS, cor_name(term))]
        if of_terms:
            return CORRELATION, of_terms
        is_sd = name.startswith("sd(") and name.endswith(")")
        component = (name.removeprefix("sd(").removesuffix(")") if is_sd else name).strip()
        if component in sd:
            return SD, [sd.index(component)]
        if name in family or name == ANY_FAMILY:
            return FAMILY, [family.index(name) if name in family else 0] if family else []
        return None

    def own_names(self, of: str, place: int) -> set[str]:
        """The names of one parameter alone."""
        name = self.kinds[of][0][place]
        return {cor_name(name)} if of == CORRELATION else {sd_name(name), name}


_EXAMPLES = {COEFFICIENT: "Normal(0, 1)", CORRELATION: "LKJ(2)"}


def _by_name(priors: Any, named: _Named) -> None:
    """Put the distributions of `priors` where their names say."""
    if priors is None:
        return
    if not isinstance(priors, Mapping):
        raise TypeError(f"priors must be a mapping of names to distributions, got {type(priors).__name__}")
    for name, prior in priors.items():
        places = named.places(str(name))
        if places is None or not (places[1] or str(name) == ALL_SDS):
            raise ValueError(f"priors: {_no_such(str(name), named.known, 'parameters')}")
        of, indices = places
        _require(prior, str(name), of, bool(named.kinds[CORRELATION][0]))
        target = named.kinds[of][1]
        for j in indices:
            if str(name) not in (ALL_SDS, ALL_CORRELATIONS) or not named.own_names(of, j) & set(priors):
                target[j] = prior


def _require(prior: Any, name: str, of: str, has_correlations: bool) -> None:
    if not isinstance(prior, Prior):
        raise TypeError(
            f"priors: {name!r} must have a distribution of mixed_glm.priors, such as "
            f"{_EXAMPLES.get(of, 'HalfNormal(1)')}, got {prior!r}"
        )
    if prior.of == (SD if of == FAMILY else of):
        return
    positive = "must have one for positive numbers: HalfNormal(scale), or LogNormal(mu, sigma), of which the logarithm is normal"
    hint = {
        COEFFICIENT: "a coefficient must have Normal(loc, scale)",
        SD: f"a standard deviation {positive}",
        FAMILY: f"a {FAMILY} {positive}",
        CORRELATION: "correlations must have LKJ(eta)",
    }[of]
    if prior.of == CORRELATION and not has_correlations:
        hint += "; there are no correlations in this model"
    raise ValueError(f"priors: {name!r} is a {of}, and {prior!r} is for a {prior.of}: {hint}")


def _no_such(name: str, names: Sequence[str], what: str) -> str:
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(map(repr, list(names)[:20]))
    return f"there is no {name!r} among the {what}; {hint}there are {shown}"
