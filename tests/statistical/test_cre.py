"""Group means against fixed effects: dense algebra, published numbers, simulated panels."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_support import frame_of, spec_of
from run_support import ROOT, Silent

from hiermix import pipeline
from hiermix.design import build_design
from hiermix.gates import judge
from hiermix.model.linear_mixed import reml, wald
from hiermix.spec import load_spec

pytestmark = pytest.mark.statistical

CASES = Path(__file__).parents[1] / "cases"

RATIOS = (0.01, 1.0, 100.0)
"""Variance between levels over residual variance."""

EXACT = 1e-8


def design_of(table, formula, cre, **model):
    spec = spec_of(formula, cre=cre, **model).spec
    return build_design(spec, frame_of(table, spec))


def gls(design, ratio, weights=None):
    """Generalised least squares by the dense n x n covariance matrix: coefficients by name."""
    x = np.column_stack([np.ones(design.n_obs), design.main.common_matrix])
    covariance = np.diag(1 / (np.ones(design.n_obs) if weights is None else weights))
    for factor in design.main.factors:
        same = factor.index[:, None] == factor.index[None, :]
        covariance += ratio * same
    solved = np.linalg.solve(covariance, np.column_stack([x, design.response.values]))
    values = np.linalg.solve(x.T @ solved[:, :-1], x.T @ solved[:, -1])
    return dict(zip(("Intercept", *design.main.common_columns), values, strict=True))


def fixed_effects(table, response, columns, factors, weights=None):
    """Weighted least squares with a dense dummy for every level: coefficients by name."""
    root = np.sqrt(np.ones(len(table)) if weights is None else np.asarray(weights, dtype=float))
    dummies = [pd.get_dummies(table[name]).to_numpy(dtype=float) for name in factors]
    x = np.column_stack([table[list(columns)].to_numpy(dtype=float), *dummies])
    y = table[response].to_numpy(dtype=float)
    values, *_ = np.linalg.lstsq(root[:, None] * x, root * y, rcond=None)
    return dict(zip(columns, values, strict=False))


def grunfeld():
    return pd.read_csv(CASES / "grunfeld.csv")


def radon():
    return pd.read_csv(ROOT / "examples" / "radon" / "radon.csv")


PLM_WITHIN = {
    "grunfeld": {"value": 0.110123804120718, "capital": 0.310065341300139},
    "radon": {"floor": -0.68922784788154},
}
"""plm 2.6-2 (R 4.2.2), model = "within"."""

REAL = {
    "grunfeld": (grunfeld, "inv ~ value + capital + (1 | firm)", "firm"),
    "radon": (radon, "log_radon ~ floor + (1 | county)", "county"),
}


@pytest.mark.parametrize("form", ["mundlak", "within-between"])
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("name", REAL)
def test_on_real_panels_the_within_effect_is_plms_at_any_variance_ratio(name, ratio, form):
    read, formula, group = REAL[name]
    design = design_of(read(), formula, [{"group": group, "form": form}])
    found = gls(design, ratio)
    prefix = "" if form == "mundlak" else "cre_within_"
    for term, expected in PLM_WITHIN[name].items():
        assert found[prefix + term] == pytest.approx(expected, abs=EXACT)


def test_the_coefficients_of_grunfelds_means_are_lme4s():
    design = design_of(grunfeld(), REAL["grunfeld"][1], [{"group": "firm"}])
    # lme4 1.1-31, REML: sd of firms 84.2009505, residual sd 52.7679660.
    found = gls(design, (84.2009505160349 / 52.7679659569083) ** 2)
    assert found["cre_mean_value"] == pytest.approx(0.0245222828511931, abs=1e-7)
    assert found["cre_mean_capital"] == pytest.approx(-0.278033866968729, abs=1e-7)


def random_panel(seed, *, balanced):
    rng = np.random.default_rng(seed)
    n_groups = 12
    counts = np.full(n_groups, 7) if balanced else rng.integers(2, 12, n_groups)
    g = np.repeat(np.arange(n_groups), counts)
    u = rng.normal(size=n_groups)
    n = len(g)
    table = pd.DataFrame({"g": g, "x": u[g] + rng.normal(size=n), "z": rng.normal(size=n) - u[g]})
    table["h"] = np.concatenate([np.arange(c) % 4 for c in counts])
    table["f"] = rng.choice(["a", "b", "c"], size=n)
    table["w"] = rng.uniform(0.2, 5, size=n)
    table["se"] = rng.uniform(0.5, 2, size=n)
    table["y"] = 1 + 0.5 * table["x"] - table["z"] + 2 * u[g] + rng.normal(size=n)
    return table


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("missing", [0, 9])
@pytest.mark.parametrize("weights", [None, "w", "se"])
def test_the_identity_holds_balanced_or_not_with_rows_missing_and_weighted(
    ratio, balanced, missing, weights
):
    table = random_panel(3, balanced=balanced)
    drop = np.random.default_rng(8).choice(len(table), missing, replace=False)
    table = table.drop(index=drop).reset_index(drop=True)
    left = "weighted(y, w)" if weights == "w" else "y"
    model = {"known_se": "se"} if weights == "se" else {}
    design = design_of(table, f"{left} ~ x * z + f + (1 | g)", [{"group": "g"}], **model)
    row_weights = {None: None, "w": table["w"], "se": 1 / table["se"] ** 2}[weights]
    table["x:z"] = table["x"] * table["z"]
    table["f[b]"], table["f[c]"] = table["f"] == "b", table["f"] == "c"
    names = ("x", "z", "x:z", "f[b]", "f[c]")
    expected = fixed_effects(table, "y", names, ["g"], row_weights)
    found = gls(design, ratio, row_weights)
    for name in names:
        assert found[name] == pytest.approx(expected[name], abs=EXACT)


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_identity_holds_for_nested_factors_and_the_finer_one_decides(ratio):
    table = random_panel(5, balanced=False)
    table["gh"] = table["g"].astype(str) + "_" + table["h"].astype(str)
    design = design_of(table, "y ~ x + z + (1 | g / h)", [{"group": "g"}, {"group": "g:h"}])
    expected = fixed_effects(table, "y", ("x", "z"), ["gh"])
    found = gls(design, ratio)
    assert found["x"] == pytest.approx(expected["x"], abs=EXACT)
    assert found["z"] == pytest.approx(expected["z"], abs=EXACT)


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_identity_holds_if_the_finer_factor_has_no_means_of_its_own(ratio):
    rng = np.random.default_rng(9)
    a, b, week = (i.ravel() for i in np.meshgrid(range(8), range(3), range(6), indexing="ij"))
    plan = rng.normal(size=(8, 6)) + rng.normal(size=8)[:, None]
    table = pd.DataFrame({"a": a, "b": b, "x": plan[a, week], "store": a * 3 + b})
    table["y"] = table["x"] + rng.normal(size=24)[table["store"]] + rng.normal(size=len(a))
    design = design_of(table, "y ~ x + (1 | a / b)", [{"group": "a"}, {"group": "a:b"}])
    expected = fixed_effects(table, "y", ("x",), ["store"])
    assert gls(design, ratio)["x"] == pytest.approx(expected["x"], abs=EXACT)
    assert not any("fixed-effects" in note for note in design.warnings)


@pytest.mark.parametrize("ratio", RATIOS)
def test_two_crossed_factors_are_two_way_fixed_effects_if_balanced(ratio):
    rng = np.random.default_rng(6)
    g, h = (i.ravel() for i in np.meshgrid(range(10), range(7), indexing="ij"))
    table = pd.DataFrame({"g": g, "h": h, "x": rng.normal(size=70) + g * 0.3 - h * 0.5})
    table["y"] = table["x"] + g - h + rng.normal(size=70)
    cre = [{"group": "g"}, {"group": "h"}]
    design = design_of(table, "y ~ x + (1 | g) + (1 | h)", cre)
    expected = fixed_effects(table, "y", ("x",), ["g", "h"])
    assert gls(design, ratio)["x"] == pytest.approx(expected["x"], abs=EXACT)
    fewer = table.drop(index=[3, 20, 21, 50, 64]).reset_index(drop=True)
    design = design_of(fewer, "y ~ x + (1 | g) + (1 | h)", cre)
    expected = fixed_effects(fewer, "y", ("x",), ["g", "h"])
    assert abs(gls(design, ratio)["x"] - expected["x"]) > 1e-4
    assert status(design)["cre_imbalance"] == "warn"


def status(design):
    verdict = judge(design.measurements, policy="publish", phases=["design"])
    return {finding.gate: finding.status for finding in verdict.findings}


@pytest.mark.parametrize("ratio", RATIOS[1:])
def test_leaving_one_mean_out_breaks_the_identity_and_is_warned_about(ratio):
    table = random_panel(3, balanced=False)
    expected = fixed_effects(table, "y", ("x", "z"), ["g"])["x"]
    whole = design_of(table, "y ~ x + z + (1 | g)", [{"group": "g"}])
    partial = design_of(table, "y ~ x + z + (1 | g)", [{"group": "g", "terms": ["x"]}])
    assert gls(whole, ratio)["x"] == pytest.approx(expected, abs=EXACT)
    assert abs(gls(partial, ratio)["x"] - expected) > 1e-5
    assert status(whole)["cre_left_out"] == "pass"
    assert status(partial)["cre_left_out"] == "warn"


def test_unweighted_means_break_the_identity_of_weighted_rows():
    table = random_panel(3, balanced=False)
    table["x_mean"] = table.groupby("g")["x"].transform("mean")
    by_hand = design_of(table, "weighted(y, w) ~ x + x_mean + (1 | g)", [])
    weighted = design_of(table, "weighted(y, w) ~ x + (1 | g)", [{"group": "g"}])
    expected = fixed_effects(table, "y", ("x",), ["g"], table["w"])["x"]
    assert gls(weighted, 1.0, table["w"])["x"] == pytest.approx(expected, abs=EXACT)
    assert abs(gls(by_hand, 1.0, table["w"])["x"] - expected) > 1e-4


def exogenous_panel(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(4, 10, size=40)
    g = np.repeat(np.arange(40), counts)
    n = len(g)
    table = pd.DataFrame({"g": g, "x": rng.normal(size=40)[g] + rng.normal(size=n)})
    table["z"] = rng.normal(size=n)
    table["y"] = table["x"] + rng.normal(size=40)[g] + rng.normal(size=n)
    return table


def test_the_mundlak_test_rejects_exogenous_panels_as_often_as_it_should():
    rejected = 0
    for seed in range(200):
        design = design_of(exogenous_panel(seed), "y ~ x + z + (1 | g)", [{"group": "g"}])
        estimate = reml(design.main, design.response.values)
        rejected += wald(estimate, [c.mean for c in design.contextual.columns])[2] < 0.05
    assert 0.03 <= rejected / 200 <= 0.07


def run(tmp_path, table, formula, cre, **options):
    table.to_csv(tmp_path / "data.csv", index=False)
    document = {
        "name": "cre",
        "data": {"path": "data.csv"},
        "model": {"formula": formula},
        "cre": cre,
        "fit": {"seed": 1, "draws": 1000, "tune": 1000, "chains": 4},
        **options,
    }
    loaded = load_spec(json.dumps(document), str(tmp_path / "spec.yaml"))
    return pipeline.fit(pipeline.prepare(loaded, tmp_path, Silent()), Silent())


def rows_of(result):
    return {(r["term"], r["effect"]): r for r in result.tables.cre.to_dict("records")}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mundlak", "within-between"])
@pytest.mark.parametrize("name", REAL)
def test_the_sampled_within_effect_is_plms(name, form, tmp_path):
    read, formula, group = REAL[name]
    result = run(tmp_path, read(), formula, [{"group": group, "form": form}])
    assert result.verdict.status != "fail"
    rows = rows_of(result)
    for term, expected in PLM_WITHIN[name].items():
        row = rows[term, "within"]
        # Weak priors pull by less than a hundredth of an sd.
        assert abs(row["mean"] - expected) <= 4 * row["mcse_mean"] + 0.01 * row["sd"]
        assert rows[term, "fixed"]["mean"] == pytest.approx(expected, abs=EXACT)


@cache
def confounded_panel():
    """Return 150 levels x 8 rows: x goes with the level's effect; within a level its slope is 1."""
    rng = np.random.default_rng(12)
    u = rng.normal(size=150)
    g = np.repeat(np.arange(150), 8)
    x = u[g] + 0.8 * rng.normal(size=1200)
    y = x + 0.6 * u[g] + 1.2 * rng.normal(size=1200)
    return pd.DataFrame({"g": g, "x": x, "y": y})


@pytest.mark.slow
def test_confounded_random_effects_are_far_off_and_group_means_are_not(tmp_path):
    table = confounded_panel()
    result = run(tmp_path, table, "y ~ x + (1 | g)", [{"group": "g"}])
    rows = rows_of(result)
    within, random = rows["x", "within"], rows["x", "random"]
    expected = fixed_effects(table, "y", ("x",), ["g"])["x"]
    assert abs(within["mean"] - expected) <= 4 * within["mcse_mean"] + 0.01 * within["sd"]
    assert abs(random["mean"] - expected) > 5 * random["sd"]
    contextual = rows["x", "contextual"]
    assert contextual["wald_p"] < 1e-6
    assert contextual["tail_probability"] < 1e-3
    assert contextual["conclusion"] == "group means matter"
    plain = run(tmp_path, table, "y ~ x + (1 | g)", [])
    x = plain.tables.summary.set_index("parameter").loc["x"]
    assert abs(x["mean"] - expected) > 5 * x["sd"]
    assert x["mean"] == pytest.approx(random["mean"], abs=0.2 * x["sd"])


@pytest.mark.slow
def test_the_table_of_radon_is_what_lme4_says(tmp_path):
    result = run(tmp_path, radon(), "log_radon ~ floor + (1 | county)", [{"group": "county"}])
    rows = rows_of(result)
    # lme4 1.1-31 (R 4.2.2), REML: y ~ floor + (1 | county) and y ~ floor + mean + (1 | county).
    assert rows["floor", "random"]["mean"] == pytest.approx(-0.662888725670425, abs=1e-5)
    assert rows["floor", "random"]["sd"] == pytest.approx(0.067653337478808, rel=1e-4)
    contextual, between = rows["floor", "contextual"], rows["floor", "between"]
    assert contextual["mean"] == pytest.approx(0.329492786072139, abs=0.1 * 0.247)
    assert between["mean"] == pytest.approx(-0.359735061806186, abs=0.1 * 0.237)
    # Mundlak-Wald chi-square 1.777 at REML; the posterior averages over the sds.
    assert contextual["wald_chi2"] == pytest.approx(1.777, abs=0.25)
    assert contextual["conclusion"] == "group means do not matter"
    assert contextual["tail_probability"] == pytest.approx(contextual["wald_p"], abs=0.03)


@pytest.mark.slow
def test_the_posterior_of_grunfeld_is_that_of_brms_under_the_same_priors(tmp_path):
    stored = json.loads((CASES / "grunfeld_brms.json").read_text(encoding="utf-8"))
    result = run(
        tmp_path, grunfeld(), stored["formula"], [{"group": "firm"}], priors=stored["priors"]
    )
    ours = result.tables.summary.set_index("parameter")
    assert set(ours.index) == set(stored["population"])
    for name, theirs in stored["population"].items():
        error = np.hypot(ours.loc[name, "mcse_mean"], theirs["mcse_mean"])
        assert abs(ours.loc[name, "mean"] - theirs["mean"]) <= 4 * error, name
        assert ours.loc[name, "sd"] == pytest.approx(theirs["sd"], rel=0.1)
