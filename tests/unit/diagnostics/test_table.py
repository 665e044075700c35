import numpy as np

from hiermix.diagnostics import scalar_table
from hiermix.diagnostics.chains import chain_statistics
from hiermix.diagnostics.chance import rhat_by_chance


def test_there_is_one_row_per_scalar_in_the_order_of_the_plan(make_fit, plan) -> None:
    table = scalar_table(make_fit(draws=50), plan)
    assert len(table) == 200
    assert table["variable"].head(7).tolist() == [
        *("Intercept", "x", "f[b]", "f[c]", "1|g_sigma", "f|g_sigma[b]", "f|g_sigma[c]")
    ]
    assert table["parameter"].iloc[-1] == "f|g"
    assert table.groupby("role").size().to_dict() == {
        "auxiliary": 1,
        "common": 4,
        "group_sd": 3,
        "group_specific": 191,
        "residual": 1,
    }
    assert table["variable"].is_unique


def test_the_columns_are_those_promised(make_fit, plan) -> None:
    assert list(scalar_table(make_fit(draws=20), plan).columns) == [
        *("variable", "role", "parameter", "mean", "sd", "rhat", "ess_bulk", "ess_tail"),
        *("ess_within", "mcse_mean", "rhat_by_chance"),
    ]


def test_a_row_holds_the_statistics_of_its_scalar(make_fit, plan) -> None:
    fit = make_fit(draws=60)
    row = scalar_table(fit, plan).set_index("variable").loc["1|g[L007]"]
    draws = fit.tree["posterior"]["1|g"].sel(g__factor_dim="L007").to_numpy()
    alone = chain_statistics(draws[None])
    for name in ("mean", "sd", "rhat", "ess_bulk", "ess_tail", "mcse_mean"):
        np.testing.assert_allclose(row[name], getattr(alone, name)[0], rtol=1e-12)


def test_chance_counts_the_parameters_of_the_role(make_fit, plan) -> None:
    table = scalar_table(make_fit(), plan)
    for role, count in (("common", 4), ("group_specific", 191)):
        rows = table[table["role"] == role]
        expected = rhat_by_chance(
            rows["ess_within"].to_numpy(), n_chains=4, n_draws=1000, n_parameters=count
        )
        np.testing.assert_array_equal(rows["rhat_by_chance"], expected)


def test_a_scalar_that_the_posterior_lacks_has_nan(make_fit, plan) -> None:
    table = scalar_table(make_fit(draws=20, spoil=lambda post: post.pop("f")), plan)
    assert len(table) == 200
    numbers = table[table["parameter"] == "f"].drop(columns=["variable", "role", "parameter"])
    assert numbers.isna().all(axis=None)


def test_without_a_posterior_the_table_is_all_nan(make_fit, plan) -> None:
    fit = make_fit(draws=20)
    del fit.tree["posterior"]
    assert scalar_table(fit, plan)["rhat"].isna().all()


def test_a_plan_without_parameters_gives_an_empty_table(make_fit) -> None:
    plan = make_fit.plan.__class__(None, "gaussian", {}, (), ())
    assert scalar_table(make_fit(draws=20), plan).empty
