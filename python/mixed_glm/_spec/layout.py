"""The layout of the parameter vector: the only place that knows what stands where in it.

    (beta, psi, cor, family, u)

fixed effects, log standard deviations, correlations, parameters of the family, random effects. Most models have
no correlations and no parameters of the family: these blocks are empty.

Results tell correlations; densities of the model, and the core, have them on a scale without bounds, as the numbers z of which the
canonical partial correlations are tanh(z). `ParameterLayout.told` and `free` change between the two.

Thresholds of an ordinal response are parameters of the family; for the compiled core they are fixed effects, before the others as
an intercept would be: `core` is the layout of its vectors, and `order` the way from there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._input.arrays import as_vector

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Consecutive parameters of one kind.

    Attributes
    ----------
    kind : str
        What tables call them.
    noun : str
        What messages call several of them.
    size : int
    """

    kind: str
    noun: str
    size: int


@dataclass(frozen=True)
class ParameterLayout:
    """Names and places of d parameters.

    Attributes
    ----------
    fep_names, vcp_names : tuple of str
        Fixed effects; components of variance, whose parameters are log standard deviations.
    k_vc : int
        Number of random effects.
    vc_names : tuple of str, or None
        Their names, if they have any.
    cor_names, family_names : tuple of str
        Correlations of random effects; parameters of the family.
    cor_orders : tuple of int
        Number of coordinates of each term of correlated effects.
    has_thresholds : bool
        Whether those of the family are thresholds.
    """

    fep_names: tuple[str, ...]
    vcp_names: tuple[str, ...]
    k_vc: int
    vc_names: tuple[str, ...] | None = None
    cor_names: tuple[str, ...] = ()
    family_names: tuple[str, ...] = ()
    cor_orders: tuple[int, ...] = ()
    has_thresholds: bool = False

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """All blocks in their order."""
        return {
            "fe": Block("fixed", "fixed effects", len(self.fep_names)),
            "vcp": Block("log sd", "log standard deviations", len(self.vcp_names)),
            "cor": Block("correlation", "correlations", len(self.cor_names)),
            "family": Block("threshold", "thresholds", len(self.family_names))
            if self.has_thresholds
            else Block("family", "hyperparameters of the family", len(self.family_names)),
            "vc": Block("random", "random effects", self.k_vc),
        }

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each block stands."""
        ends = np.cumsum([0, *(block.size for block in self.blocks.values())]).tolist()
        return {name: slice(ends[i], ends[i + 1]) for i, name in enumerate(self.blocks)}

    @property
    def fe(self) -> slice:
        """Fixed effects."""
        return self.slices["fe"]

    @property
    def vcp(self) -> slice:
        """Log standard deviations."""
        return self.slices["vcp"]

    @property
    def cor(self) -> slice:
        """Correlations."""
        return self.slices["cor"]

    @property
    def family(self) -> slice:
        """Parameters of the family."""
        return self.slices["family"]

    @property
    def hyper(self) -> slice:
        """All hyperparameters, theta: log standard deviations, correlations, those of the family, but no thresholds."""
        return slice(self.vcp.start, self.cor.stop if self.has_thresholds else self.family.stop)

    @property
    def vc(self) -> slice:
        """Random effects."""
        return self.slices["vc"]

    @property
    def leading(self) -> slice:
        """All parameters but the random effects."""
        return slice(0, self.vc.start)

    @cached_property
    def fixed(self) -> npt.NDArray[np.intp]:
        """Positions of thresholds and fixed effects: what is normal given psi beside the random effects. Read-only."""
        parts = (self.family, self.fe) if self.has_thresholds else (self.fe,)
        places = np.concatenate([np.arange(part.start, part.stop) for part in parts])
        places.flags.writeable = False
        return places

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Names of those parameters of the family that are hyperparameters, integrated with the log standard deviations."""
        return () if self.has_thresholds else self.family_names

    @property
    def fixed_names(self) -> list[str]:
        """Names of thresholds and fixed effects."""
        names = self.leading_names
        return [names[place] for place in self.fixed]

    @property
    def coefficients(self) -> npt.NDArray[np.intp]:
        """Positions of thresholds, fixed effects and random effects, in the order that the core has."""
        return np.concatenate([self.fixed, np.arange(self.vc.start, self.vc.stop)])

    @cached_property
    def core(self) -> ParameterLayout:
        """What stands where in a vector of the compiled core."""
        if not self.has_thresholds:
            return self
        names = (*self.family_names, *self.fep_names)
        return dataclasses.replace(self, fep_names=names, family_names=(), has_thresholds=False)

    @cached_property
    def order(self) -> npt.NDArray[np.intp] | None:
        """For each parameter its place in a vector of the core; None where that is the same."""
        if not self.has_thresholds:
            return None
        order = np.empty(self.size, dtype=np.intp)
        rest = np.setdiff1d(np.arange(self.size), self.fixed)
        order[np.concatenate([self.fixed, rest])] = np.arange(self.size)
        return order

    @property
    def k_fep(self) -> int:
        """Number of fixed effects."""
        return len(self.fep_names)

    @property
    def k_vcp(self) -> int:
        """Number of components of variance."""
        return len(self.vcp_names)

    @property
    def k_hyper(self) -> int:
        """Number of hyperparameters."""
        return int(self.hyper.stop - self.hyper.start)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(block.size for block in self.blocks.values())

    @cached_property
    def names(self) -> list[str]:
        """A name for every parameter; ``u[j]`` for random effects without names."""
        effects = self.vc_names if self.vc_names is not None else [f"u[{j}]" for j in range(self.k_vc)]
        return [*self.leading_names, *effects]

    @property
    def leading_names(self) -> list[str]:
        """Names of all parameters but the random effects."""
        return [*self.fep_names, *self.vcp_names, *self.cor_names, *self.family_names]

    @property
    def hyper_names(self) -> list[str]:
        """A name for every hyperparameter."""
        return self.leading_names[self.hyper]

    @property
    def kinds(self) -> list[str]:
        """The kind of every parameter: ``"fixed"``, ``"log sd"``, ``"correlation"``, ``"family"``, ``"threshold"``, ``"random"``."""
        return list(itertools.chain.from_iterable([b.kind] * b.size for b in self.blocks.values()))

    def unpack(self, vector: Floats) -> tuple[Floats, Floats, Floats]:
        """Fixed effects, log standard deviations and random effects of a vector, or of each row of a matrix."""
        return vector[..., self.fe], vector[..., self.vcp], vector[..., self.vc]

    def told(self, hyper: Floats) -> Floats:
        """Hyperparameters as the core has them -> with correlations; a vector, or one in each row."""
        return self._of_terms(hyper, _core.correlations)

    def free(self, hyper: Floats) -> Floats:
        """Hyperparameters with correlations -> as the core has them; a vector, or one in each row."""
        return self._of_terms(hyper, _core.partial_correlations)

    def free_params(self, params: Floats) -> Floats:
        """All parameters as results tell them -> as the core has them; a vector, or one in each row."""
        if not self.cor_orders:
            return params
        out = params.copy()
        out[..., self.hyper] = self.free(params[..., self.hyper])
        return out

    def cor_slices(self) -> list[slice]:
        """Where in the hyperparameters the correlations of each term stand."""
        sizes = [m * (m - 1) // 2 for m in self.cor_orders]
        ends = self.k_vcp + np.cumsum([0, *sizes])
        return [slice(a, b) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]

    def _of_terms(self, hyper: Floats, change: Callable[[Floats, int], Floats]) -> Floats:
        if not self.cor_orders:
            return hyper
        out = hyper.copy()
        for part, order in zip(self.cor_slices(), self.cor_orders, strict=True):
            block = np.ascontiguousarray(np.atleast_2d(hyper[..., part]))
            out[..., part] = change(block, order).reshape(hyper[..., part].shape)
        return out

    def checked(self, params: npt.ArrayLike, name: str = "params") -> Floats:
        """A vector of all parameters.

        Raises
        ------
        ValueError
            If it has another length.
        """
        vector = as_vector(params, name)
        if len(vector) != self.size:
            parts = ", ".join(
                f"{b.size} {b.noun}" for b in self.blocks.values() if b.size or b.kind in _ALWAYS
            )
            raise ValueError(f"{name} must have {self.size} entries ({parts}), got {len(vector)}")
        return vector

    def checked_positive(self, sd: npt.ArrayLike, name: str = "sd") -> Floats:
        """A vector with a positive number for each parameter.

        Raises
        ------
        ValueError
            If it has another length, or a number is not positive.
        """
        vector = self.checked(sd, name)
        if not (vector > 0).all():
            raise ValueError(f"{name} must be positive, got a smallest entry of {vector.min()}")
        return vector

    def component(self, term: str | int) -> int:
        """Number of a component given by name or number.

        Raises
        ------
        ValueError
            If there is no such component.
        """
        names = self.vcp_names
        if isinstance(term, (int, np.integer)) and not isinstance(term, bool) and 0 <= term < len(names):
            return int(term)
        if not isinstance(term, str) or term not in names:
            raise ValueError(
                f"term must be one of {', '.join(map(repr, names))}, or its number, got {term!r}"
            )
        return names.index(str(term))


_ALWAYS = ("fixed", "log sd", "random")  # kinds that a message names even where there are none


def as_hyper(values: npt.ArrayLike, name: str, layout: ParameterLayout) -> Floats:
    """A vector of all hyperparameters of a model, on the scales that the core has them on.

    Raises
    ------
    ValueError
        If it has another length.
    """
    only_components = layout.k_hyper == layout.k_vcp
    what = "variance components" if only_components else f"hyperparameters ({', '.join(layout.hyper_names)})"
    return as_vector(values, name, layout.k_hyper, what=what)
