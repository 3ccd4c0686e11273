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


def refuse_joint_rows(
    spec: ModelSpec, name: str, instead: str = "fit() and fit_laplace() are for all of them"
) -> None:
    """Refuse what takes an observation to be independent binary ones: with the logit link it is, given the thresholds.

    Raises
    ------
    ValueError
        If the response has three categories or more, and another link.
    """
    family = spec.family
    if isinstance(family, Cumulative) and not family.has_binary_rows:
        raise ValueError(
            f"{name} is not for more than two ordered categories with the {family.link} link, only with the logit link; {instead}"
        )
