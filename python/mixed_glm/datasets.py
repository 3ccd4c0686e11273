"""Data that ship with the package."""

from __future__ import annotations

from importlib import resources

import pandas as pd

__all__ = ["load_cbpp"]


def load_cbpp() -> pd.DataFrame:
    """Contagious bovine pleuropneumonia in 15 herds of zebu cattle in the Ethiopian highlands.

    Serological status of the animals of each herd over four periods of six months.

    Returns
    -------
    DataFrame, 56 rows
        ``incidence``: new cases in a herd and period; ``size``: animals in the herd at its start;
        ``period``: 1 to 4 (categorical); ``herd``: 1 to 15 (categorical).

    References
    ----------
    Lesnoff, M., Laval, G., Bonnet, P., Abdicho, S., Workalemahu, A., Kifle, D., Peyraud, A., Lancelot, R.,
    Thiaucourt, F. (2004). Within-herd spread of contagious bovine pleuropneumonia in Ethiopian highlands.
    Preventive Veterinary Medicine 64, 27-40.
    """
    with resources.files("mixed_glm").joinpath("data", "cbpp.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    return frame.astype({"period": "category", "herd": "category"})
