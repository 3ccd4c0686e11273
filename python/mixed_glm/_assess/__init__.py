"""Is the fit good, and is the model good: checks, cross-validation, comparison."""
