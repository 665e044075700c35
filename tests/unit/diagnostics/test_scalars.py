import numpy as np
import pytest
import xarray as xr

from hiermix.diagnostics import blocks, scalar_names
from hiermix.model.plan import ModelPlan, Parameter


def test_scalars_have_the_names_that_tables_print(plan: ModelPlan) -> None:
    names = {p.name: scalar_names(p) for p in plan.parameters}
    assert names["x"] == ("x",)
    assert names["f"] == ("f[b]", "f[c]")
    assert names["f|g_sigma"] == ("f|g_sigma[b]", "f|g_sigma[c]")
    assert names["1|g"][:2] == ("1|g[L000]", "1|g[L001]")
    assert names["f|g"] == ("f|g[b, DE]", "f|g[c, DE]")


def test_draws_belong_to_their_names_whatever_the_order_of_dimensions(make_fit) -> None:
    dims = (("g", ("DE", "FR", "IT")), ("f", ("b", "c")))
    parameter = Parameter("f|g", "group_specific", dims)
    plan = ModelPlan(None, "gaussian", {}, (parameter,), ())  # type: ignore[arg-type]
    fit = make_fit(plan=plan, chains=2, draws=5)
    values = fit.tree["posterior"]["f|g"]
    for shuffled in (values, values.transpose("f", "draw", "g", "chain")):
        fit.tree["posterior"] = xr.DataTree(xr.Dataset({"f|g": shuffled}))
        (block,) = blocks(fit, plan)
        assert block.draws is not None and block.draws.shape == (6, 2, 5)
        at = block.names.index("f|g[c, FR]")
        np.testing.assert_array_equal(block.draws[at], values.sel(g="FR", f="c"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda ds: ds.drop_vars("x"), "not in the posterior"),
        (lambda ds: ds.assign(x=ds["f"]), "has the dimensions chain, draw, f_dim"),
        (lambda ds: ds.isel(f_dim=[0]), "has 1 of 2 values along f_dim"),
        (lambda ds: ds.isel(f_dim=[1, 0]), "has other labels along f_dim than the model"),
    ],
)
def test_a_posterior_that_breaks_the_plan_is_told(make_fit, plan, change, problem) -> None:
    fit = make_fit(chains=2, draws=5)
    fit.tree["posterior"] = xr.DataTree(change(fit.tree["posterior"].to_dataset()))
    told = [block for block in blocks(fit, plan) if block.problem]
    assert [block.problem for block in told] == [problem]
    assert told[0].draws is None


def test_without_a_posterior_every_parameter_is_absent(make_fit, plan) -> None:
    fit = make_fit(chains=2, draws=5)
    del fit.tree["posterior"]
    assert {block.problem for block in blocks(fit, plan)} == {"not in the posterior"}
