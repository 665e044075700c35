import numpy as np
from model_support import panel, plan_of

from hiermix.engines.hierarchy import level_means


def test_level_means_are_means_by_level():
    table = panel()
    (term,) = plan_of(table, "y ~ x + (1 | g)").design.main.group
    weight = np.ones(len(table))
    means = level_means(term.factor, table[["x", "z"]].to_numpy(), weight)
    expected = table.groupby("g")[["x", "z"]].mean().loc[list(term.factor.levels)]
    np.testing.assert_allclose(means, expected.to_numpy())
