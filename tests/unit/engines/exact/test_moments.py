"""The point near which the common coefficients are looked at."""

import numpy as np
import pytest

from hiermix.engines.exact.moments import _penalised
from hiermix.engines.exact.statement import Coefficients

N = 300


def columns(kind):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(N, 3))
    if kind == "intercept":
        x[:, 0] = 1
    if kind == "collinear":
        x[:, 2] = 2 * x[:, 1]
    if kind == "units":
        x *= [1e6, 1, 1e-6]
    if kind == "offcentre":
        x += 50
    return x


@pytest.mark.parametrize("kind", ["intercept", "collinear", "units", "offcentre"])
@pytest.mark.parametrize("tight", [1.0, 1e-3])
def test_it_solves_the_ridge_equations_of_all_rows(kind, tight):
    x = columns(kind)
    size = 1 / np.sqrt((x**2).mean(axis=0))
    y = 7 + x @ (size * [1, -2, 3]) + np.random.default_rng(2).normal(size=N)
    common = Coefficients(x, 5 * size, tight * size, {})
    precision = np.diag(1 / common.sd**2)
    # Best linear predictor: (X'X / s^2 + P) b = X'y / s^2 + P m, s the sd of what it leaves.
    expected = np.linalg.lstsq(x, y)[0]
    for _ in range(3):
        s = np.std(y - x @ expected)
        right = x.T @ y / s**2 + precision @ common.mean
        scaled = (x.T @ x / s**2 + precision) * np.outer(size, size)
        expected = size * np.linalg.solve(scaled, size * right)
    estimate, residual = _penalised(common, x, y, len(y), 0.0)
    np.testing.assert_allclose(estimate / size, expected / size, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(residual, y - x @ expected, atol=1e-8)
