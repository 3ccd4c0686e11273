"""The priors of a model, from what the user said of them: numbers, names, distributions, or nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_prior_sd
from mixed_glm._input.owned import protect
from mixed_glm.priors import COEFFICIENT, CORRELATION, SD, LogNormal, Normal, Prior

Floats = npt.NDArray[np.float64]

ALL_SDS = "sd"
AT_MEANS = "at the means of the columns"  # the place of the intercept's prior


@dataclass(frozen=True)
class ModelPriors:
    """Priors of p fixed effects and K standard deviations.

    Attributes
    ----------
    fe : tuple of Normal
    sd : tuple of Prior
    constant : int
        Fixed effect whose prior is that of the linear predictor where all other columns are at their means; -1: none, and
        every prior is that of the coefficient as it stands.
    mixing : float array, shape (p, p), or None
        M: the priors of the fixed effects are those of the coefficients of the columns X M, in which covariates are about their means;
        None for the columns as they stand.
    """

    fe: tuple[Normal, ...]
    sd: tuple[Prior, ...]
    constant: int = -1
    mixing: Floats | None = field(default=None, compare=False)

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
        return {"fe": self.fe, "sd": self.sd, "constant": self.constant, "mixing": self.mixing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the array read-only again."""
        self.__dict__.update(state)
        protect(self.mixing)

    @cached_property
    def of_log_sds(self) -> tuple[Floats, Floats]:
        """Middle and width of the priors of the log standard deviations, shape (K,) each: as of a normal one, by quantiles."""
        parts = [_middle_and_width(prior) for prior in self.sd]
        return _read_only([a for a, _ in parts]), _read_only([b for _, b in parts])

    def without_fixed(self) -> ModelPriors:
        """Those of the standard deviations alone, of a model without fixed effects."""
        return ModelPriors((), self.sd)

    def is_mixed(self, place: int) -> bool:
        """Whether a fixed effect's prior is that of the coefficient with covariates at their means."""
        return self.mixing is not None and not is_alone(self.mixing, place)

    @property
    def in_units(self) -> bool:
        """Whether there are priors of coefficients of other columns than those as they stand."""
        return self.constant >= 0 or self.mixing is not None

    def to_frame(self, fep_names: Sequence[str], vcp_names: Sequence[str]) -> pd.DataFrame:
        """One row for each parameter: its prior, and of what it is the prior."""
        of = [
            AT_MEANS if j == self.constant or self.is_mixed(j) else "coefficient" for j in range(len(self.fe))
        ]
        rows = [*map(repr, self.fe), *map(repr, self.sd)]
        return pd.DataFrame(
            {"prior": rows, "of": of + ["standard deviation"] * len(self.sd)},
            index=[*fep_names, *map(sd_name, vcp_names)],
        )


def is_alone(mixing: Floats, place: int) -> bool:
    """Whether a coefficient is the same in the mixed columns."""
    return bool(mixing[place, place] == 1.0 and np.count_nonzero(mixing[place]) == 1)


def _read_only(numbers: list[float]) -> Floats:
    array = np.array(numbers, dtype=float)
    array.setflags(write=False)
    return array


def _middle_and_width(prior: Prior) -> tuple[float, float]:
    if isinstance(prior, LogNormal):
        return prior.mu, prior.sigma
    low, middle, high = np.log(prior.quantile([0.1587, 0.5, 0.8413]))
    return float(middle), float(high - low) / 2.0


def sd_name(component: str) -> str:
    """How the standard deviation of a component is called: ``sd(herd)``."""
    return f"sd({component})"


@dataclass(frozen=True)
class Defaults:
    """What is taken where nothing is said.

    Attributes
    ----------
    fe : tuple of Normal
    sd : tuple of LogNormal
    constant : int
        As in `ModelPriors`; -1 where there is no constant column.
    """

    fe: tuple[Normal, ...]
    sd: tuple[LogNormal, ...]
    constant: int

    @classmethod
    def of(cls, loc: Floats, scale: Floats, mu: Floats, constant: int) -> Defaults:
        """From the numbers that the core has for them (cpp/include/mixed_glm/fit/default_priors.hpp)."""
        fe = tuple(Normal(m, s) for m, s in zip(loc.tolist(), scale.tolist(), strict=True))
        return cls(fe, tuple(LogNormal(m, 1.0) for m in mu.tolist()), constant)


def resolve_priors(
    fe_p: Any,
    vcp_p: Any,
    priors: Mapping[str, Any] | None,
    fep_names: list[str],
    vcp_names: list[str],
    defaults: Callable[[Floats | None], Defaults],
    mixing: Floats | None = None,
) -> ModelPriors:
    """Bring together what was given: `priors` before numbers; `defaults` are asked for only where nothing was.

    A prior of a coefficient as it stands cannot be one of the mixed columns: `mixing` is then left out.

    Raises
    ------
    ValueError, TypeError
        For names that are none of the model's, and things that are no prior.
    """
    fe: list[Prior | None] = _by_number(fe_p, "fe_p", fep_names, "fixed effects", lambda s: Normal(0.0, s))
    sd: list[Prior | None] = _by_number(
        vcp_p, "vcp_p", vcp_names, "variance components", lambda s: LogNormal(0.0, s)
    )
    _by_name(priors, fep_names, vcp_names, fe, sd)
    if None not in fe and None not in sd:
        return ModelPriors(tuple(fe), tuple(sd))  # type: ignore[arg-type]
    if mixing is not None and any(
        prior is not None and not is_alone(mixing, j) for j, prior in enumerate(fe)
    ):
        mixing = None
    default = defaults(mixing)
    constant = default.constant if default.constant >= 0 and fe[default.constant] is None else -1
    filled = [default.fe[j] if prior is None else prior for j, prior in enumerate(fe)]
    return ModelPriors(
        tuple(filled),  # type: ignore[arg-type]
        tuple(default.sd[k] if prior is None else prior for k, prior in enumerate(sd)),
        constant,
        mixing,
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
    return [make(scale) for scale in as_prior_sd(value, argument, len(names), what).tolist()]


def _by_name(
    priors: Any, fep_names: list[str], vcp_names: list[str], fe: list[Prior | None], sd: list[Prior | None]
) -> None:
    """Put the distributions of `priors` where their names say."""
    if priors is None:
        return
    if not isinstance(priors, Mapping):
        raise TypeError(f"priors must be a mapping of names to distributions, got {type(priors).__name__}")
    known = [*fep_names, *map(sd_name, vcp_names), ALL_SDS]
    for name, prior in priors.items():
        places = _places(str(name), fep_names, vcp_names)
        if places is None:
            raise ValueError(f"priors: {_no_such(str(name), known, 'parameters')}")
        of, indices = places
        _require(prior, str(name), of)
        target = fe if of == COEFFICIENT else sd
        for j in indices:
            if str(name) != ALL_SDS or not {sd_name(vcp_names[j]), vcp_names[j]} & set(priors):
                target[j] = prior


def _places(name: str, fep_names: list[str], vcp_names: list[str]) -> tuple[str, list[int]] | None:
    if name in fep_names:
        return COEFFICIENT, [fep_names.index(name)]
    if name == ALL_SDS:
        return SD, list(range(len(vcp_names)))
    component = (
        name.removeprefix("sd(").removesuffix(")") if name.startswith("sd(") and name.endswith(")") else name
    )
    component = component.strip()
    return (SD, [vcp_names.index(component)]) if component in vcp_names else None


def _require(prior: Any, name: str, of: str) -> None:
    if not isinstance(prior, Prior):
        raise TypeError(
            f"priors: {name!r} must have a distribution of mixed_glm.priors, such as "
            f"{'Normal(0, 1)' if of == COEFFICIENT else 'HalfNormal(1)'}, got {prior!r}"
        )
    if prior.of == of:
        return
    hint = {
        COEFFICIENT: "a coefficient must have Normal(loc, scale)",
        SD: "a standard deviation must have one for positive numbers: HalfNormal(scale), or LogNormal(mu, sigma), of which "
        "the logarithm is normal",
    }[of]
    if prior.of == CORRELATION:
        hint += "; there are no correlations in this model"
    raise ValueError(f"priors: {name!r} is a {of}, and {prior!r} is for a {prior.of}: {hint}")


def _no_such(name: str, names: Sequence[str], what: str) -> str:
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(map(repr, list(names)[:20]))
    return f"there is no {name!r} among the {what}; {hint}there are {shown}"
