import numpy as np
from model_support import panel, plan_of

from hiermix.engines.draws import RawDraws
from hiermix.engines.posterior import posterior_tree


def test_intercepts_are_those_at_zero_and_dims_those_of_the_plan():
    table = panel()
    plan = plan_of(table, "y ~ x + f + (f | g)")
    rng = np.random.default_rng(0)
    chains, draws = 2, 5
    values = {
        parameter.name: rng.normal(size=(chains, draws, *parameter.shape))
        for parameter in plan.parameters
    }
    raw = RawDraws(dict(values), {"diverging": np.zeros((chains, draws), dtype=bool)})
    tree = posterior_tree(plan, {name: name for name in values}, raw, {})
    means = plan.design.main.common_matrix.mean(axis=0)
    shift = values["x"] * means[0] + values["f"] @ means[1:]
    posterior = tree["posterior"]
    np.testing.assert_allclose(posterior["Intercept"], values["Intercept"] - shift)
    assert posterior["f|g"].dims == ("chain", "draw", "g__factor_dim", "f__expr_dim")
    assert posterior["f_dim"].values.tolist() == ["b", "c"]
    np.testing.assert_array_equal(tree["observed_data"]["y"], table["y"])
