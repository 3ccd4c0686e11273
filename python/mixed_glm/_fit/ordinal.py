"""What there is not for ordinal responses."""

from __future__ import annotations

from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Cumulative


def refuse_variational(spec: ModelSpec, name: str) -> None:
    """Refuse a variational bound: a normal distribution gives thresholds out of order some probability.

    Raises
    ------
    ValueError
        If the response is ordinal.
    """
    if spec.family.is_ordinal:
        raise ValueError(
            f"{name} is not for the cumulative family: normal distributions give thresholds out of order some probability, so "
            "that the lower bound of the evidence is minus infinity; use fit(), fit_laplace() or fit_ep()"
        )


def has_joint_rows(spec: ModelSpec) -> bool:
    """Whether observations are no independent binary ones given the thresholds: of three categories, without the logit link."""
    return isinstance(spec.family, Cumulative) and not spec.family.has_binary_rows


def refuse_joint_rows(
    spec: ModelSpec, name: str, instead: str = "fit() and fit_laplace() are for all of them"
) -> None:
    """Refuse what takes an observation to be independent binary ones: with the logit link it is, given the thresholds.

    Raises
    ------
    ValueError
        If the response has three categories or more, and another link.
    """
    if has_joint_rows(spec):
        raise ValueError(
            f"{name} is not for more than two ordered categories with the {spec.family.link} link, only with the logit link; {instead}"
        )
