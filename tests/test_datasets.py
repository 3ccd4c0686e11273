"""Data that ship with the package."""

from __future__ import annotations

import mixed_glm as mg


def test_cbpp() -> None:
    data = mg.datasets.load_cbpp()
    assert data.shape == (56, 4)
    assert data["incidence"].sum() == 99
    assert data["size"].sum() == 842
    assert list(data["period"].cat.categories) == [1, 2, 3, 4]
    assert data["herd"].nunique() == 15
    assert (data["incidence"] <= data["size"]).all()
