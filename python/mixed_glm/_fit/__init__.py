"""The fits: from what is to be fitted to what a fit gave."""
