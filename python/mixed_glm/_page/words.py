"""A model in words and in formulas."""

from __future__ import annotations

from mixed_glm._fit.fit import Fit
from mixed_glm._report.summary import METHOD_TITLES
from mixed_glm._report.varcorr import blocks
from mixed_glm._spec.spec import ModelSpec

_MOST_TERMS = 8  # fixed effects that the formula spells out
_KINDS = {
    "binomial": "whether something happened, yes or no",
    "poisson": "a count",
    "negative_binomial": "a count that may vary more than a Poisson count does",
    "gaussian": "a number whose deviations from its mean are normal",
    "gamma": "a positive number whose standard deviation is in proportion to its mean",
    "exponential": "a positive number, exponential about its mean",
    "cumulative": "one of several categories in order",
}
_SCALES = {
    "logit": "the log odds",
    "log": "the logarithm of the mean",
    "identity": "the mean",
    "probit": "the normal quantile of the probability",
}
_METHODS = {
    "map": "The parameters are those at which their joint density is highest (a joint mode); their uncertainty is read off "
    "the curvature there.",
    "laplace": "The posterior was computed without simulation: random effects are integrated out by Laplace's method.",
    "leaf": "The posterior was computed without simulation: random effects are integrated out by quadrature.",
    "ep": "The posterior was computed without simulation: random effects are integrated out by expectation propagation.",
    "vb": "The posterior is approximated by independent normal distributions (variational Bayes), which make intervals too "
    "narrow.",
    "vb_full": "The posterior is approximated by a normal distribution (variational Bayes).",
}


def sentences(fit: Fit) -> list[str]:
    """What the data and the model are."""
    spec = fit.spec
    return [_of_rows(spec), _of_response(spec), *_of_groups(spec), _of_method(fit)]


def formulas(spec: ModelSpec) -> list[str]:
    """The model as its lines are written in a paper, without marks that need another font."""
    name, family = spec.endog_name, spec.family
    right = " + ".join([*_fixed_terms(spec), *_random_terms(spec)]) or "0"
    lines = [f"{name} ~ {_distribution(spec)}"]
    if family.is_ordinal:
        lines.append(f"P({name} above cut c) = 1 / (1 + exp(cut[c] - η)),   η = {right}")
    else:
        lines.append(f"{_linked(spec)} = {right}")
    for group, effects, components, pairs in blocks(spec):
        names = spec.design.vcp_names
        if pairs:
            sds = ", ".join(f"sd({names[k]})" for k in components)
            lines.append(
                f"({', '.join(f'u[{group}: {e}]' for e in effects)}) ~ Normal(0, Σ) with {sds} and correlations"
            )
        else:
            lines += [f"u[{names[k]}] ~ Normal(0, sd({names[k]})²)" for k in components]
    return lines


def method_title(fit: Fit) -> str:
    """Name of the method."""
    return METHOD_TITLES.get(fit.method, fit.method)


def _of_rows(spec: ModelSpec) -> str:
    dropped = f"; {spec.n_missing} more were left out because something is missing in them" * bool(
        spec.n_missing
    )
    return f"The data are {spec.nobs} rows{dropped}."


def _of_response(spec: ModelSpec) -> str:
    name, family, levels = spec.endog_name, spec.family, spec.design.response_levels
    kind = _KINDS.get(family.name, "a number")
    if family.name == "binomial" and spec.design.n_trials is not None:
        kind = "a number of successes out of a known number of trials"
    of = f"The response, {name}, is {kind}"
    if family.is_ordinal:
        return f"{of}: {' < '.join(levels or ())}. A larger linear predictor makes higher categories more likely."
    if levels is not None:
        of += f" ({levels[1]} against {levels[0]})"
    scale = _SCALES.get(family.link, f"the {family.link} of the mean")
    shift = " and a known offset" if spec.design.total_offset() is not None else ""
    return f"{of}. The model is additive for {scale} ({family.name} family, {family.link} link){shift}."


def _of_groups(spec: ModelSpec) -> list[str]:
    """A sentence for each set of groups."""
    told = []
    for group, effects, components, pairs in blocks(spec):
        size = len(spec.effects_of(components[0]))
        shown = " and ".join(
            "level" if effect in ("Intercept", "") else f"effect of {effect}" for effect in effects
        )
        together = ", which may be correlated" if pairs else ""
        told.append(f"Each of the {size} groups of {group} has its own {shown}{together}.")
    return told


def _of_method(fit: Fit) -> str:
    how = _METHODS.get(fit.method, "")
    ended = (
        "The fit converged."
        if fit.converged and fit.status == "converged"
        else f"The fit ended as: {fit.status}."
    )
    return f"{how} {ended}".strip()


def _fixed_terms(spec: ModelSpec) -> list[str]:
    names = list(spec.design.fep_names)
    first = 0 if names[:1] == ["Intercept"] else 1
    numbered = list(enumerate(names[:_MOST_TERMS], first))
    shown = ["b0" if name == "Intercept" else f"b{number}·{name}" for number, name in numbered]
    rest = len(names) - len(shown)
    offset = ["offset"] if spec.design.total_offset() is not None else []
    return [*shown, *([f"… ({rest} more)"] if rest else []), *offset]


def _random_terms(spec: ModelSpec) -> list[str]:
    terms = []
    for group, effects, components, pairs in blocks(spec):
        for effect, k in zip(effects, components, strict=True):
            name = f"{group}: {effect}" if pairs else spec.design.vcp_names[k]
            terms.append(f"u[{name}]" + ("" if effect in ("Intercept", "") else f"·{effect}"))
    return terms


def _distribution(spec: ModelSpec) -> str:
    family, own = spec.family, ", ".join(spec.family.shape_names)
    if family.name == "binomial":
        return f"Binomial({'1' if spec.design.n_trials is None else 'trials'}, p)"
    if family.is_ordinal:
        return "Categorical(probabilities)"
    return f"{family.title}(mean{f', {own}' if own else ''})"


def _linked(spec: ModelSpec) -> str:
    mean = "p" if spec.family.has_trials else "mean"
    return mean if spec.family.link == "identity" else f"{spec.family.link}({mean})"
