"""The distributions that fits give: quantiles, draws, densities, contrasts."""
