"""Joint draws of parameters: correlations, shapes, fixed numbers."""

import numpy as np
import pytest
from model_support import panel, plan_of
from scipy import stats

from hiermix.studies.priors.parameters import draw_parameters, lkj_correlations

N = 20_000


@pytest.mark.parametrize(("size", "eta"), [(2, 2.0), (3, 1.0), (4, 0.7)])
def test_each_correlation_has_the_beta_margin_of_lkj(size: int, eta: float) -> None:
    pairs = lkj_correlations(size, eta, N, np.random.default_rng(1))
    b = eta + (size - 2) / 2
    assert len(pairs) == size * (size - 1) // 2
    for draws in pairs:
        assert stats.kstest((draws + 1) / 2, stats.beta(b, b).cdf).pvalue > 1e-4


def test_the_determinant_has_the_mean_of_lkj() -> None:
    # det R is the product of 1 - p^2 over independent partial correlations p = 2 Beta(b, b) - 1.
    r01, r02, r12 = lkj_correlations(3, 2.0, N, np.random.default_rng(2))
    determinant = 1 + 2 * r01 * r02 * r12 - r01**2 - r02**2 - r12**2
    truth = np.prod([1 - 1 / (2 * b + 1) for b in (2.5, 2.5, 2.0)])
    assert abs(determinant.mean() - truth) < 4 * determinant.std() / np.sqrt(N)


def test_every_parameter_has_its_shape_and_a_fixed_one_its_number() -> None:
    plan = plan_of(panel(), "y ~ x * f + (x * z | g) + (f || h)", priors={"sigma": 0.5})
    found = draw_parameters(plan, 7, np.random.default_rng(3))
    wanted = {p.name: (*p.shape, 7) for p in plan.parameters if p.role != "group_specific"}
    assert {name: draws.shape for name, draws in found.items()} == wanted
    assert (found["sigma"] == 0.5).all()


def test_columns_of_a_term_have_their_own_priors() -> None:
    plan = plan_of(panel(), "y ~ f", priors={"f[b]": "Normal(5, 0.1)", "f[c]": "Normal(-5, 0.1)"})
    found = draw_parameters(plan, 500, np.random.default_rng(4))["f"]
    assert np.round(found.mean(axis=1)).tolist() == [5, -5]
