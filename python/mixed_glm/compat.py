"""Drop-in replacements for the classes in ``statsmodels.genmod.bayes_mixed_glm``.

Signatures, attributes and parameter order are theirs; `fit` is `fit_map`, as theirs. For everything else, use
`MixedGLM`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from mixed_glm.families import Binomial, Poisson
from mixed_glm.model import MixedGLM
from mixed_glm.results import BayesMixedGLMResults, MixedGLMResults

__all__ = ["BayesMixedGLMResults", "BinomialBayesMixedGLM", "PoissonBayesMixedGLM"]


class _JointModeByDefault(MixedGLM):
    _results_class: ClassVar[type[MixedGLMResults[Any]]] = BayesMixedGLMResults

    def fit(  # type: ignore[override]
        self, method: str = "newton", minim_opts: Mapping[str, Any] | None = None
    ) -> MixedGLMResults[Self]:
        """Equivalent to `fit_map`, as in statsmodels.

        Parameters
        ----------
        method, minim_opts
            As for `MixedGLM.fit_map`.
        """
        return self.fit_map(method, minim_opts)


class BinomialBayesMixedGLM(_JointModeByDefault):
    """Mixed logistic regression for responses 0 and 1, with the signature that statsmodels has.

    Parameters
    ----------
    endog, exog, exog_vc, ident, vcp_p, fe_p, fep_names, vcp_names, vc_names
        As for `MixedGLM`; the defaults of `vcp_p` and `fe_p` are statsmodels', 1 and 2.
    """

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_vc: Any,
        ident: Any,
        vcp_p: Any = 1,
        fe_p: Any = 2,
        fep_names: Any = None,
        vcp_names: Any = None,
        vc_names: Any = None,
    ) -> None:
        super().__init__(endog, exog, exog_vc, ident, Binomial(), vcp_p, fe_p, fep_names, vcp_names, vc_names)
        self._require_binary()

    @classmethod
    def from_formula(  # type: ignore[override]
        cls, formula: str, vc_formulas: Mapping[str, str], data: Any, vcp_p: Any = 1, fe_p: Any = 2
    ) -> Self:
        """Make a model from formulas, one for each variance component.

        Parameters
        ----------
        formula, vc_formulas, data, vcp_p, fe_p
            As for `MixedGLM.from_formula`.
        """
        model = super().from_formula(formula, vc_formulas, data, Binomial(), vcp_p, fe_p)
        model._require_binary()
        return model

    def _require_binary(self) -> None:
        if self.n_trials is not None or not np.isin(self.endog, (0.0, 1.0)).all():
            raise ValueError("endog must be 0 and 1; use MixedGLM for responses with trials")


class PoissonBayesMixedGLM(_JointModeByDefault):
    """Mixed Poisson regression, with the signature that statsmodels has.

    Parameters
    ----------
    endog, exog, exog_vc, ident, vcp_p, fe_p, fep_names, vcp_names, vc_names
        As for `MixedGLM`; the defaults of `vcp_p` and `fe_p` are statsmodels', 1 and 2.
    """

    def __init__(
        self,
        endog: Any,
        exog: Any,
        exog_vc: Any,
        ident: Any,
        vcp_p: Any = 1,
        fe_p: Any = 2,
        fep_names: Any = None,
        vcp_names: Any = None,
        vc_names: Any = None,
    ) -> None:
        super().__init__(endog, exog, exog_vc, ident, Poisson(), vcp_p, fe_p, fep_names, vcp_names, vc_names)

    @classmethod
    def from_formula(  # type: ignore[override]
        cls,
        formula: str,
        vc_formulas: Mapping[str, str],
        data: Any,
        vcp_p: Any = 1,
        fe_p: Any = 2,
        vcp_names: Any = None,
        vc_names: Any = None,
    ) -> Self:
        """Make a model from formulas, one for each variance component.

        Parameters
        ----------
        formula, vc_formulas, data, vcp_p, fe_p, vcp_names, vc_names
            As for `MixedGLM.from_formula`.
        """
        return super().from_formula(
            formula, vc_formulas, data, Poisson(), vcp_p, fe_p, vcp_names=vcp_names, vc_names=vc_names
        )
