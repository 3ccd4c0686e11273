"""Draws of few of many random effects, given all other parameters.

Given fixed effects and log standard deviations, random effects that no row touches together are independent. So those of
a few groups can be drawn from the rows of these groups alone. For n draws, n copies of these rows are one model, each with
its own offset ``X beta`` and, as its random-effects columns are multiplied by exp(psi), with standard deviations of one.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm import _core
from mixed_glm._posterior.some_draws import Places, SomeDraws
from mixed_glm._spec.approximation import Approximation
from mixed_glm._spec.binary_rows import BinaryRows
from mixed_glm._spec.design import Design, make_core
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Cumulative

Floats = npt.NDArray[np.float64]

_ROWS = 2**17  # copies at a time
_BLOCKS_OF_FAMILY = 32  # at least, with like values of the family's own parameter
_CHEAP = 2**23  # steps of drawing all effects, up to which that is done
_STEPS_OF_COPY, _STEPS_OF_LEAF = 64, 16  # for a row, those of drawing an effect from a Gaussian being one


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Random effects with all those that they depend on given the fixed effects, and the rows that touch them.

    Attributes
    ----------
    effects, rows : int array, shape (m,) and (r,)
        Increasing.
    """

    effects: Places
    rows: Places


def worthwhile(spec: ModelSpec, how: Approximation, effects: Places, n: int) -> Surroundings | None:
    """What surrounds some effects, if it is so small that to draw `n` times from it takes less than to draw all."""
    if isinstance(spec.family, Cumulative) and not spec.family.has_binary_rows:
        return None
    everything = spec.layout.size + (_STEPS_OF_LEAF * spec.nobs if how.name == "leaf" else 0)
    if n * everything <= _CHEAP:
        return None
    return _surroundings(spec.design, effects, everything // _STEPS_OF_COPY)


def _surroundings(design: Design, effects: Places, most_rows: int) -> Surroundings | None:
    """Rows that touch the effects, other effects that these touch, and so on; None if there are too many rows."""
    z = design.exog_vc
    by_effect = sparse.csc_array(z)
    found = new = _of_whole_levels(design, effects)
    rows: Places = np.empty(0, dtype=np.intp)
    while len(new):
        fresh = np.setdiff1d(by_effect[:, new].indices, rows)
        rows = np.union1d(rows, fresh)
        if len(rows) > most_rows:
            return None
        new = np.setdiff1d(_of_whole_levels(design, z[fresh].indices.astype(np.intp)), found)
        found = np.union1d(found, new)
    return Surroundings(found.astype(np.intp), rows.astype(np.intp))


def _of_whole_levels(design: Design, effects: Places) -> Places:
    """The effects with all that are correlated with one of them, increasing."""
    for term in design.correlated:
        touched = np.isin(term.columns, effects).any(axis=1)
        effects = np.union1d(effects, term.columns[touched].ravel())
    return np.unique(effects).astype(np.intp)


def draw_few(
    spec: ModelSpec,
    how: Approximation,
    around: Surroundings,
    given: SomeDraws,
    effects: Places,
    rng: np.random.Generator,
) -> SomeDraws:
    """Draws of `effects`, which are some of those `around`, given fixed effects and log standard deviations."""
    keep = np.searchsorted(around.effects, effects)
    size = max(1, _ROWS // max(len(around.rows), 1))
    order = np.arange(len(given))
    if spec.layout.shape_names:  # of which a block has one value
        order = np.argsort(given.family[:, 0], kind="stable")
        size = min(size, -(-len(given) // _BLOCKS_OF_FAMILY))
    vc = np.empty((len(given), len(effects)))
    for first in range(0, len(given), size):
        block = order[first : first + size]
        vc[block] = _draw_block(
            spec, how, around, given.fe[block], given.thresholds[block], given.hyper[block], rng
        )[:, keep]
    return dataclasses.replace(given, vc=vc, effects=effects)


def _draw_block(
    spec: ModelSpec,
    how: Approximation,
    around: Surroundings,
    beta: Floats,
    family: Floats,
    hyper: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draws of all effects around, shape (m, effects)."""
    of_family = hyper[:, spec.layout.k_hyper - len(spec.layout.shape_names) :]
    scale = np.exp(hyper[:, spec.design.ident[around.effects]])
    root = None if not spec.design.correlated else _root(spec, around.effects, hyper, scale)
    if not len(around.rows):
        drawn = rng.standard_normal(scale.size)
        return _spread(drawn, scale, root)
    design = _copies(spec, around, beta, family, scale, root)
    core = make_core(
        design, spec.family.above if isinstance(spec.family, Cumulative) else spec.family, merge_rows=False
    )
    leaf = tuple(k for k in how.leaf if (design.ident == k).any())
    name = "laplace" if how.name == "leaf" and not leaf else how.name
    sampler = _core.ConditionalDraws(core, dataclasses.replace(how, name=name, leaf=leaf).core)
    at = np.concatenate([np.zeros(spec.layout.k_vcp), of_family.mean(axis=0)])[None]
    params, _, _ = sampler.draw(at, at, rng.standard_normal((1, scale.size)))
    drawn = params[0, at.size :]
    return _spread(drawn, scale, root)


def _spread(drawn: Floats, scale: Floats, root: sparse.csr_array | None) -> Floats:
    """Effects of independent ones with standard deviations of one."""
    return np.asarray(
        drawn.reshape(scale.shape) * scale if root is None else (root @ drawn).reshape(scale.shape)
    )


def _root(spec: ModelSpec, effects: Places, hyper: Floats, scale: Floats) -> sparse.csr_array:
    """What takes independent effects with standard deviations of one to those of each draw, all draws on the diagonal."""
    m, count = scale.shape
    own = np.arange(count)
    rows, columns, values = [], [], []
    alone = np.ones(count, dtype=bool)
    layout, places = spec.layout, np.arange(m)[:, None] * count
    for term, part in zip(spec.design.correlated, layout.cor_slices(), strict=True):
        levels = np.searchsorted(effects, term.columns[np.isin(term.columns[:, 0], effects)])
        alone[levels] = False
        factors = _core.correlation_roots(np.ascontiguousarray(hyper[:, part]), term.order)
        for r in range(term.order):
            for c in range(r + 1):
                rows.append((places + levels[:, r]).ravel())
                columns.append((places + levels[:, c]).ravel())
                values.append((factors[:, r * term.order + c, None] * scale[:, levels[:, r]]).ravel())
    rows.append((places + own[alone]).ravel())
    columns.append(rows[-1])
    values.append(scale[:, alone].ravel())
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=(m * count, m * count))


def _copies(
    spec: ModelSpec,
    around: Surroundings,
    beta: Floats,
    family: Floats,
    scale: Floats,
    root: sparse.csr_array | None,
) -> Design:
    m, rows, design = len(beta), around.rows, spec.design
    binary = BinaryRows.of(spec, rows)
    if binary is not None:
        design, rows = binary.design(design), np.arange(len(binary.observation))
    z = design.exog_vc[rows][:, around.effects]
    shift = design.total_offset()
    offset = beta @ design.exog[rows].T + (0.0 if shift is None else shift[rows])
    if binary is not None:
        offset -= np.sort(family, axis=1)[:, binary.threshold]
    copies = _block_diagonal(z, m)
    if root is None:
        copies.data = copies.data * scale.ravel()[copies.indices]
    else:
        copies = sparse.csr_array(copies @ root)
        copies.sort_indices()
    return dataclasses.replace(
        design,
        endog=np.tile(design.endog[rows], m),
        exog=np.empty((m * len(rows), 0), order="F"),
        exog_vc=copies,
        ident=np.tile(design.ident[around.effects], m),
        n_trials=np.tile(design.trials()[rows], m),
        freq_weights=np.tile(design.weights()[rows], m),
        offset=offset.ravel(),
        exposure=None,
        priors=dataclasses.replace(design.priors.without_fixed(), cor=()),
        correlated=(),
        fep_names=[],
        vc_names=None,
    )


def _block_diagonal(z: sparse.csr_array, m: int) -> sparse.csr_array:
    """`m` copies of a matrix along the diagonal."""
    copy = np.arange(m)[:, None]
    indices = (z.indices + z.shape[1] * copy).ravel()
    indptr = np.append((z.indptr[:-1] + z.nnz * copy).ravel(), m * z.nnz)
    return sparse.csr_array((np.tile(z.data, m), indices, indptr), shape=(m * z.shape[0], m * z.shape[1]))
