"""What a user may give for a family: a name, an object or a class, of ours or of statsmodels."""

from __future__ import annotations

import difflib
import re
from typing import Any

from mixed_glm.families.base import SUPPORTED, Family
from mixed_glm.families.binomial import Binomial
from mixed_glm.families.continuous import Exponential, Gamma, Gaussian
from mixed_glm.families.counts import NegativeBinomial, Poisson
from mixed_glm.families.cumulative import Cumulative

_OVERDISPERSED = "write {!r}, and a random effect of each row for overdispersion, as (1 | row)"
_NOT_PART = "it is not part of the model"
_REASONS = {
    "bernoulli": "write 'binomial'", "logistic": "write 'binomial'", "betabinomial": _OVERDISPERSED.format("binomial"),
    "quasibinomial": _OVERDISPERSED.format("binomial"), "quasipoisson": _OVERDISPERSED.format("poisson"),
    "inversegaussian": "its log density is not concave", "lognormal": "write 'gaussian' and log(y) for the response",
    **dict.fromkeys(("quasi", "student", "t", "tweedie", "beta", "weibull"), _NOT_PART),
    **dict.fromkeys(("zip", "zinb", "zeroinflatedpoisson", "zeroinflatednegbinomial", "hurdlepoisson"), _NOT_PART),
    **dict.fromkeys(("multinomial", "categorical", "sratio", "cratio", "acat"), _NOT_PART),
    **dict.fromkeys(("ordinal", "ordered", "clm", "polr", "propodds"), "write 'cumulative'"),
}  # fmt: skip
_NEGATIVE_BINOMIAL = frozenset({
    "nb", "nb1", "nb2", "negbin", "negbinom", "negbinomial", "nbinom", "nbinom1", "nbinom2", "negativebinom", "negativebin",
    "negbinomial2", "negativebinomial2", "neg.binomial", "glmer.nb",
})  # fmt: skip

_BY_NAME: dict[str, type[Family]] = {
    "binomial": Binomial,
    "poisson": Poisson,
    "gaussian": Gaussian,
    "normal": Gaussian,
    "negativebinomial": NegativeBinomial,
    "gamma": Gamma,
    "exponential": Exponential,
    "cumulative": Cumulative,
}


def as_family(obj: Any) -> Family:
    """Turn what a user may give for a family into one of ours.

    Parameters
    ----------
    obj : Family, str, class, or statsmodels family
        An object of `mixed_glm.families`, a name such as ``"poisson"``, a class of it, or a family (object or class)
        of statsmodels, which is recognized by the names of its class and of its link's.

    Returns
    -------
    Family

    Raises
    ------
    ValueError
        If the family or its link is not supported.
    TypeError
        If `obj` is nothing that names a family.
    """
    if isinstance(obj, Family):
        return obj
    if isinstance(obj, type):
        if obj.__name__ == "NegativeBinomial":
            return NegativeBinomial()
        if not (issubclass(obj, Family) or hasattr(obj, "links")):
            raise TypeError(_not_a_family(obj))
        obj = obj()
        return obj if isinstance(obj, Family) else _from_statsmodels(obj)
    if isinstance(obj, str):
        return family_class(obj)()
    if hasattr(obj, "link") and hasattr(obj, "variance"):
        return _from_statsmodels(obj)
    raise TypeError(_not_a_family(obj))


def as_given_family(obj: Any) -> Family:
    """As `as_family`, for an argument that may not be left out.

    Raises
    ------
    ValueError
        If it was left out, that is None.
    """
    if obj is None:
        raise ValueError("family must be given: 'binomial', 'poisson', ..., or a family object")
    return as_family(obj)


def _from_statsmodels(obj: Any) -> Family:
    cls = family_class(type(obj).__name__)
    link = type(obj.link).__name__.lower()
    if link not in cls.links:
        expected = ", ".join(cls.links)
        raise ValueError(
            f"family: the {cls.__name__} family must have link {expected}, got {type(obj.link).__name__}: "
            "with other links the log density is not concave or not defined for every linear predictor"
        )
    if cls is Binomial:
        return Binomial(link=link)
    if cls is NegativeBinomial:
        return NegativeBinomial(alpha=obj.alpha)
    return cls()


def family_class(name: str) -> type[Family]:
    """Class of the family of this name, or ValueError."""
    written = re.fullmatch(r"([\w.]+)\((.*)\)", name.strip().replace(" ", ""))  # R's binomial(link = "logit")
    key = (written[1] if written else name.strip()).lower().replace("_", "").replace("-", "").replace(" ", "")
    if key in _BY_NAME and not (written and written[2]):
        return _BY_NAME[key]
    if key in _NEGATIVE_BINOMIAL:
        return NegativeBinomial
    reasons = {
        **{link: f"write families.Binomial(link={link!r})" for link in Binomial.links},
        **(
            {key: f"write families.{_BY_NAME[key].__name__}({written[2]})"}
            if written and key in _BY_NAME
            else {}
        ),
        **_REASONS,
    }
    close = difflib.get_close_matches(key, _BY_NAME, 1)
    hint = f"did you mean {_BY_NAME[close[0]].name!r}?" if close else ""
    reason = f" ({reasons.get(key, hint)})" if key in reasons or close else ""
    raise ValueError(f"family must be one of: {SUPPORTED}; got {name!r}{reason}")


def _not_a_family(obj: Any) -> str:
    return f"family must be a family, its name, or a statsmodels family, one of: {SUPPORTED}; got {obj!r}"
