"""Predictions: new rows, linear predictors, intervals."""
