"""The population-level table."""

import numpy as np
import pytest

from hiermix.model.plan import Parameter
from hiermix.summary.population import COLUMNS, population
from tests.unit.summary import small

Y = np.arange(6.0)
GROUP = small.intercept_of(small.factor("g", ("a", "b"), [0, 0, 0, 1, 1, 1]))


def test_it_has_a_row_for_each_scalar_that_belongs_to_no_level() -> None:
    labels = (("f_dim", ("b", "c")),)
    plan = small.plan(
        small.design(Y, groups=(GROUP,)),
        (
            Parameter("Intercept", "common"),
            Parameter("f", "common", labels),
            *small.group_parameters(GROUP),
            Parameter("sigma", "residual"),
        ),
    )
    draws = small.normal(np.random.default_rng(1), plan)
    table = population(small.fit(plan, draws), plan, small.scalars(plan), 0.8, "eti")
    assert tuple(table.columns) == COLUMNS
    assert table["parameter"].tolist() == ["Intercept", "f[0]", "f[1]", "1|g_sigma", "sigma"]
    assert table["role"].tolist() == ["common", "common", "common", "group_sd", "residual"]
    assert table["rhat"].tolist() == [1.0, 1.0, 1.01, 1.0, 1.0]
    row = table.set_index("parameter").loc["f[1]"]
    expected = np.quantile(draws["f"][:, 1], [0.5, 0.1, 0.9])
    np.testing.assert_allclose(row[["median", "lower", "upper"]].astype(float), expected)


def test_a_parameter_that_the_spec_fixes_has_no_row() -> None:
    plan = small.plan(
        small.design(Y),
        (Parameter("Intercept", "common"), Parameter("sigma", "residual", prior=2.0)),
    )
    fit = small.fit(plan, {"Intercept": np.arange(10.0)})
    scalars = small.scalars(plan)
    table = population(fit, plan, scalars[scalars["parameter"] == "Intercept"], 0.9, "eti")
    assert table["parameter"].tolist() == ["Intercept"]


@pytest.mark.parametrize("wrong", ["absent", "shape"])
def test_a_parameter_that_the_posterior_lacks_is_nan_and_not_an_error(wrong: str) -> None:
    plan = small.plan(small.design(Y), (Parameter("Intercept", "common"), Parameter("x", "common")))
    draws = {"Intercept": np.arange(10.0)}
    fit = small.fit(plan, draws)
    if wrong == "shape":
        posterior = fit.tree["posterior"].to_dataset()
        fit.tree["posterior"].dataset = posterior.assign(
            x=(("chain", "draw", "odd"), np.ones((2, 5, 3)))
        )
    table = population(fit, plan, small.scalars(plan), 0.9, "hdi").set_index("parameter")
    assert table.loc["x", ["median", "lower", "upper"]].isna().all()
    assert table.loc["Intercept", "median"] == 4.5
