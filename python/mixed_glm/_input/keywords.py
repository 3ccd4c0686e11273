"""Arguments that other packages have, and what they are called here."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

_REMEDIES = {
    "weights": "give freq_weights=... for how often each row counts, n_trials=... for numbers of trials of proportions",
    "weight": "give freq_weights=... for how often each row counts, n_trials=... for numbers of trials of proportions",
    "trials": "give n_trials=...",
    "size": "give n_trials=...",
    "link": "give family=families.Binomial(link=...)",
    "alpha": "give family=families.NegativeBinomial(alpha=...)",
    "prior": "give priors={name: distribution}, names as the summary shows them, distributions of mixed_glm.priors",
    "re_formula": "write random effects in the formula, as (1 | g)",
    "groups": "write random effects in the formula, as (1 | g)",
    "subset": "select rows of the data first, as data=d[d.x > 0]",
    "na_action": "rows in which something is missing are dropped",
    "missing": "rows in which something is missing are dropped",
    "nAGQ": "give n_quad=... to fit()",
    "control": "give options to fit()",
    "REML": "variance components are integrated over; there is no REML",
    "contrasts": "write C(x, contr.sum) in the formula",
    "chains": "fits are deterministic; posterior_sample(draws) draws from the result",
    "iter": "fits are deterministic; posterior_sample(draws) draws from the result",
}


def refuse_unknown(unknown: Mapping[str, Any], function: str, known: Collection[str]) -> None:
    """Raise TypeError if there is an unknown argument, with what to write instead."""
    for name in unknown:
        close = difflib.get_close_matches(name, list(known), 1)
        hint = _REMEDIES.get(name) or (f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}")
        raise TypeError(f"{function} has no argument {name!r}: {hint}")
