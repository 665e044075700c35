import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.engines.bambi_model import build_model
from hiermix.engines.hierarchy import level_means, sd_distribution


def test_level_means_are_weighted_means_by_level():
    table = panel()
    (term,) = plan_of(table, "y ~ x + (1 | g)").design.main.group
    means = level_means(term.factor, table[["x", "z"]].to_numpy(), table["w"].to_numpy(float))
    for position, level in enumerate(term.factor.levels):
        rows = table[table["g"] == level]
        expected = np.average(rows[["x", "z"]], axis=0, weights=rows["w"])
        np.testing.assert_allclose(means[position], expected)


@pytest.mark.parametrize("sd", [0.001, 0.3, 50.0])
def test_with_known_errors_every_level_is_standard_normal_at_every_group_sd(sd):
    """The promise of the adapted form, exactly: mode 0 and curvature -1, for tau small or large."""
    rng = np.random.default_rng(2)
    se = np.array([0.01, 0.1, 1.0, 10.0])
    table = pd.DataFrame({"y": rng.normal(0.5, 1.0, 4), "se": se, "g": list("abcd")})
    plan = plan_of(table, "y ~ 1 + (1 | g)", known_se="se", priors={"1|g": "HalfNormal(1)"})
    model = build_model(plan).pymc_model
    density = model.compile_logp(mode="FAST_COMPILE")
    point = model.initial_point()
    point = point | {"u0_0_sigma_signed": np.array(sd), "Intercept": np.array(0.2)}
    for level in range(4):
        at = {}
        for step in (-1.0, 0.0, 1.0):
            z = np.zeros(4)
            z[level] = step
            at[step] = float(density(point | {"u0_0_z": z}))
        assert at[1.0] - 2 * at[0.0] + at[-1.0] == pytest.approx(-1.0, abs=1e-6)
        assert at[1.0] - at[-1.0] == pytest.approx(0.0, abs=1e-6)


def test_only_light_half_distributions_are_folded():
    assert sd_distribution("HalfNormal", {"sigma": 1.0}) is not None
    assert sd_distribution("HalfStudentT", {"nu": 4.0, "sigma": 1.0}) is not None
    assert sd_distribution("HalfStudentT", {"nu": 1.0, "sigma": 1.0}) is None
    assert sd_distribution("HalfCauchy", {"beta": 1.0}) is None
