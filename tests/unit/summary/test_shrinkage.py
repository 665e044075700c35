"""Raw estimates, pooling weights and shrinkage, against fits of every level by itself."""

import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of
from scipy import optimize, special, stats

from hiermix.design.merging import why_not_merged
from hiermix.model.plan import ModelPlan
from hiermix.model.reduction import reduce_plan
from hiermix.summary import raw
from hiermix.summary.group_effects import group_effects
from hiermix.summary.shrinkage import NOTHING_TO_SHRINK
from hiermix.summary.variance import variance
from tests.unit.summary import small

SEED = 11
SMALL = 0.05  # draws near zero keep means of counts and shares in range


def fit_of(plan: ModelPlan, seed: int = SEED):
    draws = small.normal(np.random.default_rng(seed), plan)
    for parameter in plan.parameters:
        if parameter.role in ("common", "group_specific"):
            draws[parameter.name] = SMALL * draws[parameter.name]
    return small.fit(plan, draws), draws


def table_of(plan: ModelPlan, fit) -> pd.DataFrame:
    return group_effects(fit, plan, small.scalars(plan), 0.9, "eti")


def rows_of(table: pd.DataFrame, group: str, term: str) -> pd.DataFrame:
    return table[(table["group"] == group) & (table["term"] == term)].set_index("level")


def test_raw_estimates_are_least_squares_within_each_level() -> None:
    data = panel()
    plan = plan_of(data, "y ~ x + z + offset(z) + (x | g) + (1 | h)")
    fit, draws = fit_of(plan)
    table = table_of(plan, fit)
    h = plan.design.main.factors[1]
    rest = draws["z"].mean() * data["z"] + data["z"] + draws["1|h"].mean(axis=0)[h.index]
    left = (data["y"] - rest).to_numpy()
    sigma = draws["sigma"].mean()
    for level, rows in data.groupby("g"):
        z = np.column_stack([np.ones(len(rows)), rows["x"]])
        estimate = np.linalg.lstsq(z, left[rows.index], rcond=None)[0]
        se = sigma * np.sqrt(np.diag(np.linalg.inv(z.T @ z)))
        for k, term in enumerate(("Intercept", "x")):
            row = rows_of(table, "g", term).loc[level]
            assert row["raw_estimate"] == pytest.approx(estimate[k], rel=1e-9)
            assert row["raw_se"] == pytest.approx(se[k], rel=1e-9)
            tau, sd = draws[f"{'1' if k == 0 else 'x'}|g_sigma"], draws["sigma"]
            own = np.square(sd) * (se[k] / sigma) ** 2
            weight = (tau**2 / (tau**2 + own)).mean()
            assert row["pooling"] == pytest.approx(weight, rel=1e-9)
            common = draws["Intercept" if k == 0 else "x"].mean()
            moved = 1 - row["deviation_mean"] / (estimate[k] - common)
            is_near = abs(estimate[k] - common) < NOTHING_TO_SHRINK * se[k]
            expected = np.nan if is_near else moved
            assert row["shrinkage"] == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert table["shrinkage"].notna().sum() > 5


@pytest.mark.parametrize(
    ("formula", "options", "weight"),
    [
        ("y ~ x + (1 | g)", {"known_se": "se"}, lambda d: 1 / d["se"] ** 2),
        ("weighted(y, w) ~ x + (1 | g)", {}, lambda d: d["w"]),
    ],
)
def test_known_errors_and_weights_weigh_the_rows(formula, options, weight) -> None:
    data = panel()
    plan = plan_of(data, formula, **options)
    fit, draws = fit_of(plan)
    table = rows_of(table_of(plan, fit), "g", "Intercept")
    left, w = data["y"] - draws["x"].mean() * data["x"], weight(data)
    sigma = draws["sigma"].mean() if "sigma" in draws else 1.0
    for level, rows in data.groupby("g"):
        own = w[rows.index]
        mean = np.average(left[rows.index], weights=own)
        assert table.loc[level, "raw_estimate"] == pytest.approx(mean, rel=1e-9)
        assert table.loc[level, "raw_se"] == pytest.approx(sigma / np.sqrt(own.sum()), rel=1e-9)


def test_modelled_sigmas_weigh_the_rows_at_their_posterior_mean() -> None:
    data = panel()
    plan = plan_of(data, "y ~ 1 + (1 | g)", components={"sigma": "~ z"})
    fit, draws = fit_of(plan)
    table = table_of(plan, fit)
    log_sd = draws["sigma_Intercept"].mean() + draws["sigma_z"].mean() * data["z"]
    own = np.exp(-2 * log_sd).groupby(data["g"]).sum()
    rows = rows_of(table, "g", "Intercept")
    np.testing.assert_allclose(rows["raw_se"], 1 / np.sqrt(own), rtol=1e-9)
    weight = draws["1|g_sigma"][:, None] ** 2 / (draws["1|g_sigma"][:, None] ** 2 + 1 / own.values)
    np.testing.assert_allclose(rows["pooling"], weight.mean(axis=0), rtol=1e-9)


FAMILIES = {
    "poisson": ("count", None, lambda y, m, a: stats.poisson.logpmf(y, m)),
    "negativebinomial": (
        "count",
        None,
        lambda y, m, a: stats.nbinom.logpmf(y, a, a / (a + m)),
    ),
    "gamma": ("positive", "log", lambda y, m, a: stats.gamma.logpdf(y, a, scale=m / a)),
    "exponential": ("positive", "log", lambda y, m, a: stats.expon.logpdf(y, scale=m)),
    "wald": ("positive", "log", lambda y, m, a: stats.invgauss.logpdf(y, m / a, scale=a)),
}


@pytest.mark.parametrize("family", list(FAMILIES))
def test_raw_estimates_of_other_families_are_maximum_likelihood(family: str) -> None:
    response, link, density = FAMILIES[family]
    data = panel(rows=12)
    data["count"] += 1  # a level of zeros has no estimate
    plan = plan_of(data, f"{response} ~ x + (1 | g)", family=family, link=link)
    fit, draws = fit_of(plan)
    rows = rows_of(table_of(plan, fit), "g", "Intercept")
    other = [p.name for p in plan.parameters if p.role == "auxiliary"]
    auxiliary = draws[other[0]].mean() if other else np.nan
    for level, block in data.groupby("g"):
        rest = draws["x"].mean() * block["x"]

        def loss(b, rest=rest, block=block):
            return -density(block[response], np.exp(b + rest), auxiliary).sum()

        found = optimize.minimize_scalar(loss, bounds=(-5, 8), method="bounded")
        assert rows.loc[level, "raw_estimate"] == pytest.approx(found.x, abs=1e-4)
        mean = np.exp(rows.loc[level, "raw_estimate"] + rest)
        information = {
            "poisson": mean,
            "negativebinomial": mean / (1 + mean / auxiliary),
            "gamma": auxiliary + 0 * mean,
            "exponential": 1 + 0 * mean,
            "wald": auxiliary / mean,
        }[family].sum()
        assert rows.loc[level, "raw_se"] == pytest.approx(information**-0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("link", "inverse"),
    [
        ("logit", special.expit),
        ("probit", special.ndtr),
        ("cloglog", lambda e: -np.expm1(-np.exp(e))),
    ],
)
def test_raw_estimates_of_shares_reproduce_the_share_of_the_level(link, inverse) -> None:
    data = panel()
    plan = plan_of(data, "p(k, n) ~ 1 + (1 | g)", family="binomial", link=link)
    fit, _ = fit_of(plan)
    rows = rows_of(table_of(plan, fit), "g", "Intercept")
    sums = data.groupby("g")[["k", "n"]].sum()
    np.testing.assert_allclose(inverse(rows["raw_estimate"]), sums["k"] / sums["n"], rtol=1e-8)


def arms(hits: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = [(g, arm, k, 100) for g, pair in hits.items() for arm, k in enumerate(pair)]
    return pd.DataFrame(rows, columns=["g", "treated", "k", "n"])


def test_a_level_with_two_arms_has_its_log_odds_ratio_and_woolfs_error() -> None:
    data = arms({"a": (10, 20), "b": (30, 20), "c": (50, 50)})
    plan = plan_of(data, "p(k, n) ~ treated + (treated | g)", family="binomial")
    fit, _ = fit_of(plan)
    rows = rows_of(table_of(plan, fit), "g", "treated")
    for level, (control, treated) in {"a": (10, 20), "b": (30, 20), "c": (50, 50)}.items():
        ratio = special.logit(treated / 100) - special.logit(control / 100)
        error = np.sqrt(sum(1 / k + 1 / (100 - k) for k in (control, treated)))
        assert rows.loc[level, "raw_estimate"] == pytest.approx(ratio, abs=1e-9)
        assert rows.loc[level, "raw_se"] == pytest.approx(error, rel=1e-6)


def test_a_count_of_zero_has_no_raw_estimate_but_a_weight() -> None:
    data = arms({"a": (10, 0), "b": (30, 20), "c": (100, 50)})
    plan = plan_of(data, "p(k, n) ~ treated + (treated | g)", family="binomial")
    fit, _ = fit_of(plan)
    table = table_of(plan, fit)
    slopes, intercepts = rows_of(table, "g", "treated"), rows_of(table, "g", "Intercept")
    assert slopes.loc[["a", "c"], ["raw_estimate", "raw_se", "shrinkage"]].isna().all(axis=None)
    assert intercepts.loc["c", ["raw_estimate", "raw_se"]].isna().all()
    assert intercepts.loc["a", "raw_estimate"] == pytest.approx(special.logit(0.1))
    assert np.isfinite(slopes.loc["b", ["raw_estimate", "raw_se", "shrinkage"]].astype(float)).all()
    assert ((table["pooling"] > 0) & (table["pooling"] < 1)).all()


def test_what_a_level_alone_does_not_identify_has_no_estimate_and_weight_zero() -> None:
    data = panel()
    data.loc[data["g"] == "g2", "x"] = 3.7
    data["x"] = data["x"].where(data["g"] != "g3", 0.0)
    plan = plan_of(data, "y ~ x + (x | g)")
    fit, _ = fit_of(plan)
    table = table_of(plan, fit)
    for term in ("Intercept", "x"):
        row = rows_of(table, "g", term).loc["g2"]
        assert np.isnan([row["raw_estimate"], row["raw_se"], row["shrinkage"]]).all()
        assert row["pooling"] == 0
    # With x = 0 throughout, the level's mean is its intercept.
    own = rows_of(table, "g", "Intercept").loc["g3"]
    assert own["raw_estimate"] == pytest.approx(data.loc[data["g"] == "g3", "y"].mean())
    assert rows_of(table, "g", "x").loc["g3", "pooling"] == 0


def test_a_raw_estimate_at_the_common_effect_is_not_shrunk_by_anything() -> None:
    data = panel()
    _, draws = fit_of(plan_of(data, "y ~ 1 + (1 | g)"))
    own = data["g"] == "g4"
    data.loc[own, "y"] += draws["Intercept"].mean() - data.loc[own, "y"].mean()
    plan = plan_of(data, "y ~ 1 + (1 | g)")
    rows = rows_of(table_of(plan, fit_of(plan)[0]), "g", "Intercept")
    assert np.isnan(rows.loc["g4", "shrinkage"])
    assert rows["shrinkage"].drop("g4").notna().all()


def test_components_and_other_families_have_no_weights() -> None:
    data = panel()
    plan = plan_of(data, "y ~ 1 + (1 | g)", components={"sigma": "~ 1 + (1 | g)"})
    fit, _ = fit_of(plan)
    table = table_of(plan, fit)
    assert table.groupby("term")["pooling"].apply(lambda w: w.isna().all()).to_dict() == {
        "Intercept": False,
        "sigma_Intercept": True,
    }
    plan = plan_of(data, "share ~ 1 + (1 | g)", family="beta")
    fit, _ = fit_of(plan)
    assert table_of(plan, fit)[["raw_estimate", "raw_se", "pooling"]].isna().all(axis=None)


def test_too_many_effects_a_level_have_no_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "MAX_CELLS", 7 * 4 - 1)
    plan = plan_of(panel(), "y ~ x + (x | g)")
    fit, _ = fit_of(plan)
    assert table_of(plan, fit)["raw_estimate"].isna().all()


def repeated() -> pd.DataFrame:
    """Rows that agree in everything but the response, so that they can be merged."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(list("abcd"), 30), "x": np.tile([0.0, 1.0, 2.0], 40)})
    data["y"] = rng.normal(size=120) + data["x"]
    data["count"] = rng.poisson(2.0, size=120)
    data["hit"] = rng.integers(0, 2, size=120)
    return data


@pytest.mark.parametrize(
    ("response", "family"), [("y", "gaussian"), ("count", "poisson"), ("hit", "bernoulli")]
)
def test_merged_rows_give_the_numbers_of_single_ones(response: str, family: str) -> None:
    plan = plan_of(repeated(), f"{response} ~ x + (x | g)", family=family)
    cells = reduce_plan(plan).plan
    assert cells.design.n_obs == 12
    assert not why_not_merged(
        family,
        plan.links[plan.design.main.parameter],
        "plain",
        distributional=False,
        known_se=False,
    )
    fit, _ = fit_of(plan)
    pd.testing.assert_frame_equal(table_of(cells, fit), table_of(plan, fit), rtol=1e-9)
    pd.testing.assert_frame_equal(
        variance(fit, cells, 0.9, "eti"), variance(fit, plan, 0.9, "eti"), rtol=1e-9
    )


def test_damaged_draws_leave_no_numbers_and_no_error() -> None:
    plan = plan_of(panel(), "y ~ x + (x | g)")
    fit, _ = fit_of(plan)
    fit.tree["posterior"]["x|g_sigma"][:] = np.nan
    fit.tree["posterior"]["Intercept"][:] = np.inf
    table = table_of(plan, fit)
    assert table[["raw_estimate", "shrinkage"]].isna().all(axis=None)
    assert rows_of(table, "g", "x")["pooling"].isna().all()
