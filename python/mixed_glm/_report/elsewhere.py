"""What results of other packages are called, and what there is here."""

from __future__ import annotations

_MEANS = "summary(), to_frame(), or fe_mean and fep_names"
_FIT = "loo(), mixed_glm.compare() and log_evidence: a posterior has no information criterion of a maximum"
_TESTS = "conf_int() and hypothesis(): a posterior has no p values"

ELSEWHERE = {
    **dict.fromkeys(("coef", "coefs", "fixef", "fe_params", "beta", "coef_"), _MEANS),
    **dict.fromkeys(("aic", "bic", "dic", "llf", "loglik", "deviance"), _FIT),
    **dict.fromkeys(("pvalues", "tvalues", "zvalues", "t_test", "wald_test"), _TESTS),
    **dict.fromkeys(("ranef", "random_effects_cov", "re", "BLUP"), "random_effects()"),
    **dict.fromkeys(("VarCorr", "vcomp", "cov_re", "sigma"), "varcorr()"),
    **dict.fromkeys(("se", "std_errors", "standard_errors", "vcov"), "fe_sd, bse and cov_params()"),
    **dict.fromkeys(("fittedvalues", "fitted", "predict_proba", "predicted"), "predict()"),
    **dict.fromkeys(("resid", "residuals", "resid_response"), "plot_predictive_check() and check()"),
    **dict.fromkeys(("plot", "plots"), "plot_coefficients(), plot_random_effects(), plot_posterior(), plot_effect()"),
    **dict.fromkeys(("draws", "samples", "posterior_samples", "sample"), "posterior_sample()"),
    **dict.fromkeys(("marginal_effects", "margeff", "get_margeff"), "avg_comparisons() and avg_slopes()"),
}  # fmt: skip
