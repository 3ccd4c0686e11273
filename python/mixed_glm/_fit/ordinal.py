"""What there is not for ordinal responses."""

from __future__ import annotations

from mixed_glm._spec.spec import ModelSpec


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
