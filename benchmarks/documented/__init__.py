"""Models as the documentation of R packages has them, fitted in the formula as it stands there. See README.md."""
