import numpy as np
import pandas as pd
import pytest
from model_support import plan_of

from hiermix.errors import DesignError


@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("x + f:h", ["h", "x", "f:h"]),
        ("f:h + f:k", ["h", "f:h", "f:k"]),
        ("0 + f:h", ["f:h"]),
        ("f + f:h", ["f", "f:h"]),
        ("x:f:h", ["x:f:h"]),
    ],
)
def test_interactions_without_their_margins_tell_all_cells_apart(right, names):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(list("uvw"), 400) for name in "fhk"})
    table["x"], table["y"] = rng.normal(size=400), rng.normal(size=400)
    plan = plan_of(table, f"y ~ {right}")
    main = plan.design.main
    assert [term.name for term in main.common] == names
    assert all(f" {name} " in f"{plan.design.formula} " for name in names)
    columns = main.common_matrix
    if main.intercept:
        columns = np.column_stack([np.ones(len(table)), columns])
    cells = [pd.get_dummies(table["f"] + table["h"]), pd.get_dummies(table["f"] + table["k"])]
    spanned = np.column_stack([table[["x"]] if "x" in right else np.zeros((400, 1))])
    if right == "x:f:h":
        spanned = table[["x"]].to_numpy() * cells[0].to_numpy()
        spanned = np.column_stack([np.ones(400), spanned])
    else:
        spanned = np.column_stack([spanned, *cells[: 2 if "k" in right else 1]])
    rank = np.linalg.matrix_rank(spanned.astype(float))
    assert np.linalg.matrix_rank(columns) == columns.shape[1] == rank


def test_slopes_of_an_interaction_have_its_margin_too():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(list("uvw"), 400) for name in "fhg"})
    plan = plan_of(table.assign(y=rng.normal(size=400)), "y ~ 1 + (1 + f:h | g)")
    assert [term.name for term in plan.design.main.group] == ["1|g", "h|g", "f:h|g"]


def test_three_factors_without_lower_interactions_are_refused():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(list("uv"), 100) for name in "fhk"})
    with pytest.raises(DesignError, match="needs the lower interactions") as caught:
        plan_of(table.assign(y=rng.normal(size=100)), "y ~ f:h:k")
    assert caught.value.hint == "write f*h*k"


@pytest.mark.parametrize("offset", ["x + z", "0.5 * x", "x / 2", "log(x)"])
def test_offsets_are_any_arithmetic(offset):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.uniform(1, 2, 50), "z": rng.normal(size=50)})
    table["y"] = rng.poisson(2, 50)
    plan = plan_of(table, f"y ~ 1 + offset({offset})", family="poisson")
    expected = table.eval(offset) if "log" not in offset else np.log(table["x"])
    np.testing.assert_allclose(plan.design.main.offset, expected, rtol=1e-14)
