"""Predictions of rows against plain numpy on the same draws."""

import numpy as np
import pandas as pd
import pytest
from model_support import panel
from predict_support import model_of, predict, summaries, summary_of

from hiermix.data import new_rows as new_rows_module
from hiermix.errors import InputErrors
from hiermix.studies.predict import blocks as blocks_module
from hiermix.summary.intervals import interval, ordered

CLOSE = 1e-10


@pytest.fixture(scope="module")
def table():
    found = panel(n_groups=8, rows=12)
    found["year"] = 2000 + np.arange(len(found)) % 4
    return found


def same(found, expected):
    assert np.allclose(found, expected, rtol=CLOSE, atol=CLOSE)


def slopes_model(table, **options):
    return model_of(table, "y ~ x + f + (x|g) + (1|h)", **options)


def by_hand(model, new):
    """Return the linear predictor of ``slopes_model`` with population effects of new levels."""
    _, plan, _, made = model
    v = made.values
    rows = []
    for _, row in pd.DataFrame(new).iterrows():
        eta = v["Intercept"] + row.x * v["x"]
        for j, label in enumerate(("b", "c")):
            eta = eta + (row.f == label) * v["f"][j]
        for name, column in (("g", row.g), ("h", row.h)):
            levels = dict(plan.parameter(f"1|{name}").dims)[f"{name}__factor_dim"]
            if column in levels:
                at = levels.index(column)
                eta = eta + v[f"1|{name}"][at]
                if name == "g":
                    eta = eta + row.x * v["x|g"][at]
        rows.append(eta)
    return np.array(rows)


NEW = {
    "x": [0.5, -2.0, 3.25, 1.0, 1.0],
    "f": ["a", "b", "c", "a", "b"],
    "g": ["g0", "g7", "g3", "new", "g1"],
    "h": ["h0", "h1", "h3", "h2", "other"],
}
KNOWN = {name: values[:3] for name, values in NEW.items()}


def test_fitted_levels_use_their_draws(table, tmp_path):
    model = slopes_model(table)
    same(summaries(tmp_path, KNOWN, model), summary_of(by_hand(model, KNOWN)))


def test_population_gives_new_levels_no_deviation(table, tmp_path):
    model = slopes_model(table)
    found = summaries(tmp_path, NEW, model, new_levels="population")
    same(found, summary_of(by_hand(model, NEW)))


def test_the_interval_is_the_one_asked_for(table, tmp_path):
    model = slopes_model(table)
    found = summaries(tmp_path, KNOWN, model, interval=0.5)
    same(found, summary_of(by_hand(model, KNOWN), 0.5))
    found = summaries(tmp_path, KNOWN, model, interval=0.5, interval_kind="hdi")[2:]
    same(found, interval(ordered(by_hand(model, KNOWN).T), 0.5, "hdi"))


def test_the_link_scale_is_the_linear_predictor(table, tmp_path):
    model = model_of(table, "count ~ x + f + (x|g) + (1|h)", family="poisson")
    same(summaries(tmp_path, KNOWN, model, scale="link"), summary_of(by_hand(model, KNOWN)))
    same(summaries(tmp_path, KNOWN, model), summary_of(np.exp(by_hand(model, KNOWN))))


def test_chunks_and_blocks_change_nothing(table, tmp_path, monkeypatch):
    model = slopes_model(table)
    many = {name: values * 60 for name, values in NEW.items()}
    options = {"new_levels": "draw", "seed": 3}
    whole = summaries(tmp_path, many, model, **options)
    same(whole[:, :5], whole[:, -5:])
    monkeypatch.setattr(new_rows_module, "CHUNK_ROWS", 7)
    monkeypatch.setattr(blocks_module, "BLOCK_ROWS", 3)
    same(summaries(tmp_path, many, model, **options), whole)


def test_the_same_call_gives_the_same_numbers_and_another_seed_others(table, tmp_path):
    model = slopes_model(table)
    options = {"new_levels": "draw", "kind": "response"}
    first = summaries(tmp_path, NEW, model, seed=4, **options)
    assert (first == summaries(tmp_path, NEW, model, seed=4, **options)).all()
    other = summaries(tmp_path, NEW, model, seed=5, **options)
    assert (np.abs(other[0] - first[0]) > 0).all()


def test_a_new_level_does_not_depend_on_the_other_rows(table, tmp_path):
    model = slopes_model(table)
    alone = {name: values[3:4] for name, values in NEW.items()}
    both = summaries(tmp_path, NEW, model, new_levels="draw", seed=2)
    same(summaries(tmp_path, alone, model, new_levels="draw", seed=2)[:, 0], both[:, 3])


def test_a_new_product_keeps_the_effect_of_its_known_category(table, tmp_path):
    model = model_of(table, "y ~ 1 + (1|g/sub)")
    _, plan, _, made = model
    new = {"g": ["g2", "g2", "zz"], "sub": ["s2_0", "fresh", "fresh"]}
    found = summaries(tmp_path, new, model, new_levels="population")
    v = made.values
    at = plan.parameter("1|g:sub").dims[0][1].index("g2:s2_0")
    known = v["Intercept"] + v["1|g"][2]
    same(found, summary_of(np.array([known + v["1|g:sub"][at], known, v["Intercept"]])))
    _, (batch,) = predict(tmp_path, new, model, new_levels="population")
    assert batch.new_levels.tolist() == ["", "g:sub", "g; g:sub"]


def test_a_new_level_has_the_variance_of_the_population(table, tmp_path):
    model = model_of(table, "y ~ x + (x|g)")
    made = model[3]
    made.n_draws = 20_000
    made.values = {
        name: np.repeat(values[..., :1], 20_000, axis=-1) for name, values in made.values.items()
    }
    v = {name: values[..., 0] for name, values in made.values.items()}
    x = np.array([0.0, 1.0, -2.0])
    new = {"x": x, "g": ["n1", "n1", "n1"]}
    mean, sd = summaries(tmp_path, new, model, new_levels="draw", seed=6)[:2]
    t0, t1, rho = v["1|g_sigma"], v["x|g_sigma"], v["cor|g"][0]
    assert abs(rho) > 0.2
    closed = np.sqrt(t0**2 + 2 * x * rho * t0 * t1 + x**2 * t1**2)
    assert np.allclose(sd / closed, 1, atol=4 / np.sqrt(2 * 20_000))
    assert (np.abs(mean - v["Intercept"] - x * v["x"]) <= 4 * closed / np.sqrt(20_000)).all()


def test_new_observations_add_the_residual_variance(table, tmp_path):
    model = slopes_model(table)
    many = {name: [values[0]] * 400 for name, values in KNOWN.items()}
    eta = by_hand(model, KNOWN)[0]
    sd = summaries(tmp_path, many, model, kind="response")[1]
    closed = np.sqrt(eta.var() + (model[3].values["sigma"] ** 2).mean())
    assert np.allclose(sd.mean() / closed, 1, atol=0.01)


def test_known_standard_errors_come_from_the_new_data(table, tmp_path):
    model = model_of(table, "y ~ 1 + (1|g)", known_se="se")
    new = {"g": ["g0"] * 300, "se": [3.0] * 300}
    v = model[3].values
    eta = v["Intercept"] + v["1|g"][0]
    sd = summaries(tmp_path, new, model, kind="response")[1]
    assert np.allclose(sd.mean() / np.sqrt(eta.var() + 9.0), 1, atol=0.01)
    same(summaries(tmp_path, {"g": ["g0"]}, model), summary_of(eta[None]))
    with pytest.raises(InputErrors, match="'se' not in data"):
        summaries(tmp_path, {"g": ["g0"]}, model, kind="response")
    with pytest.raises(InputErrors, match=r"se: -1 at row 2: a standard error is > 0"):
        summaries(tmp_path, {"g": ["g0"] * 2, "se": [1, -1]}, model, kind="response")


def test_trials_come_from_the_new_data_or_are_one(table, tmp_path):
    model = model_of(table, "p(k, n) ~ x + (1|g)", family="binomial")
    v = model[3].values
    p = 1 / (1 + np.exp(-(v["Intercept"] + 0.5 * v["x"] + v["1|g"][0])))
    one = {"x": [0.5], "g": ["g0"]}
    notes, _ = predict(tmp_path, one, model)
    assert notes == ("no column n: predictions are for one trial, so probabilities",)
    same(summaries(tmp_path, one, model), summary_of(p[None]))
    same(summaries(tmp_path, one, model, trials=7), summary_of(7 * p[None]))
    same(summaries(tmp_path, {**one, "n": [30]}, model), summary_of(30 * p[None]))
    same(summaries(tmp_path, {**one, "n": [30]}, model, trials=7), summary_of(7 * p[None]))
    with pytest.raises(InputErrors, match=r"n: 2\.5 at row 1: trials are whole numbers"):
        summaries(tmp_path, {**one, "n": [2.5]}, model)


def test_distributional_models_predict_with_the_rows_own_sd(table, tmp_path):
    model = model_of(table, "y ~ 1 + (1|g)", components={"sigma": "~ z + (1|h)"})
    v = model[3].values
    new = {"g": ["g0"] * 400, "h": ["h1"] * 400, "z": [0.7] * 400}
    eta = v["Intercept"] + v["1|g"][0]
    sigma = np.exp(v["sigma_Intercept"] + 0.7 * v["sigma_z"] + v["sigma_1|h"][1])
    sd = summaries(tmp_path, new, model, kind="response")[1]
    assert np.allclose(sd.mean() / np.sqrt(eta.var() + (sigma**2).mean()), 1, atol=0.02)
    # The expected response does not depend on sigma, nor on the columns of its formula.
    same(summaries(tmp_path, {"g": ["g0"]}, model), summary_of(eta[None]))


def test_categories_have_a_line_each(table, tmp_path):
    model = model_of(table, "grade ~ x + (x|g)", family="categorical")
    v = model[3].values
    eta = v["Intercept"] + 0.5 * v["x"] + v["1|g"][0] + 0.5 * v["x|g"][0]
    weights = np.exp(np.concatenate([np.zeros((1, eta.shape[-1])), eta]))
    new = {"x": [0.5], "g": ["g0"]}
    same(summaries(tmp_path, new, model), summary_of(weights / weights.sum(axis=0)))
    _, (batch,) = predict(tmp_path, new, model)
    assert batch.categories == ("1", "2", "3")
    same(summaries(tmp_path, new, model, scale="link"), summary_of(eta))
    _, (batch,) = predict(tmp_path, new, model, scale="link", new_levels="draw")
    assert batch.categories == ("2", "3")


def test_new_levels_of_a_categorical_response_have_effects_for_each_category(table, tmp_path):
    model = model_of(table, "grade ~ x + (x|g)", family="categorical")
    made = model[3]
    made.n_draws = 20_000
    made.values = {
        name: np.repeat(values[..., :1], 20_000, axis=-1) for name, values in made.values.items()
    }
    v = {name: values[..., 0] for name, values in made.values.items()}
    new = {"x": [-2.0], "g": ["n1"]}
    sd = summaries(tmp_path, new, model, scale="link", new_levels="draw")[1]
    t0, t1, rho = v["1|g_sigma"], v["x|g_sigma"], v["cor|g"][0]
    closed = np.sqrt(t0**2 - 4 * rho * t0 * t1 + 4 * t1**2)
    assert np.allclose(sd / closed, 1, atol=4 / np.sqrt(2 * 20_000))


def test_ordinal_responses_have_probabilities_that_sum_to_one(table, tmp_path):
    model = model_of(table, "grade ~ x + (1|g)", family="cumulative")
    v = model[3].values
    new = {"x": [0.5], "g": ["g0"]}
    at = 1 / (1 + np.exp(-(v["threshold"] - (0.5 * v["x"] + v["1|g"][0]))))
    p = np.array([at[0], at[1] - at[0], 1 - at[1]])
    same(summaries(tmp_path, new, model), summary_of(p))
    mean = summaries(tmp_path, new, model, kind="response")[0]
    assert mean.sum() == pytest.approx(1)
    assert np.allclose(mean, p.mean(axis=1), atol=4 * np.sqrt(0.25 / 500))


def test_offsets_and_transformations_are_those_of_the_fit(table, tmp_path):
    model = model_of(table, "count ~ scale(x) + offset(log(exposure)) + (1|g)", family="poisson")
    v = model[3].values
    z = (0.5 - table.x.mean()) / table.x.std(ddof=0)
    eta = v["Intercept"] + z * v["scale(x)"] + np.log(2.0) + v["1|g"][0]
    new = {"x": [0.5], "exposure": [2.0], "g": ["g0"]}
    same(summaries(tmp_path, new, model), summary_of(np.exp(eta)[None]))


def test_a_year_is_both_a_trend_and_a_level(table, tmp_path):
    model = model_of(table, "y ~ year + (1|year)")
    v = model[3].values
    new = {"year": ["2002", "2030"]}
    eta = [v["Intercept"] + 2002 * v["year"] + v["1|year"][2], v["Intercept"] + 2030 * v["year"]]
    same(summaries(tmp_path, new, model, new_levels="population"), summary_of(np.array(eta)))


def test_new_levels_have_the_means_of_their_new_rows(table, tmp_path):
    model = model_of(table, "y ~ x + (1|g)", cre=[{"group": "g"}])
    v = model[3].values
    x = [1.0, 5.0, 3.0]
    new = {"x": x, "g": ["n", "g0", "n"]}
    own = table.x[table.g == "g0"].mean()
    eta = [
        v["Intercept"] + a * v["x"] + b * v["cre_mean_x"]
        for a, b in zip(x, [2.0, own, 2.0], strict=True)
    ]
    eta[1] = eta[1] + v["1|g"][0]
    same(summaries(tmp_path, new, model, new_levels="population"), summary_of(np.array(eta)))


def test_means_of_new_levels_weigh_rows_as_the_likelihood_did(table, tmp_path):
    model = model_of(table, "weighted(y, w) ~ x + (1|g)", cre=[{"group": "g"}])
    v = model[3].values
    new = {"x": [1.0, 3.0], "g": ["n", "n"], "w": [1, 3]}
    base = v["Intercept"] + np.array([[1.0], [3.0]]) * v["x"]
    found = summaries(tmp_path, new, model, new_levels="population")
    same(found, summary_of(base + 2.5 * v["cre_mean_x"]))
    new.pop("w")
    found = summaries(tmp_path, new, model, new_levels="population")
    same(found, summary_of(base + 2.0 * v["cre_mean_x"]))


def test_level_means_are_those_of_all_rows_whatever_the_chunks(table, tmp_path, monkeypatch):
    model = model_of(table, "y ~ x + (1|g/sub)", cre=[{"group": "g"}, {"group": "g:sub"}])
    rng = np.random.default_rng(1)
    new = {"x": rng.normal(size=30), "g": ["n"] * 30, "sub": rng.choice(["a", "b"], 30)}
    whole = summaries(tmp_path, new, model, new_levels="population")
    monkeypatch.setattr(new_rows_module, "CHUNK_ROWS", 4)
    same(summaries(tmp_path, new, model, new_levels="population"), whole)


def errors_of(tmp_path, new, model, **asked):
    with pytest.raises(InputErrors) as caught:
        predict(tmp_path, new, model, **asked)
    return {e.id: e for e in caught.value.flatten()}


def test_everything_that_is_wrong_with_rows_is_told_at_once(table, tmp_path):
    model = model_of(table, "y ~ log(positive) + f + C(hit) + (x|g)")
    new = {
        "positive": [1.0, -1.0, 0.0, 2.0, np.nan, 1.0],
        "f": ["a", "B", "a", "c", "a", "zz"],
        "hit": [0, 1, 3, 0, 0, 0],
        "x": [1.0, 2.0, 3.0, np.nan, np.nan, 0.0],
        "g": ["g0", "G0", "g1", "g1", "g2", "nope"],
    }
    found = errors_of(tmp_path, new, model)
    assert found["predict.out-of-domain"].message == (
        "log(positive): row 2, row 3: its argument is <= 0"
    )
    assert found["predict.new-level"].message == (
        "g: G0 at row 2, nope at row 6: no such level was fitted"
    )
    assert found["predict.new-level"].hint == (
        "perhaps 'g0' was meant; or use --new-levels draw or population"
    )
    missing = {e.message for e in _all(tmp_path, new, model) if e.id == "predict.missing"}
    assert missing == {"positive: 1 missing, at row 5", "x: 2 missing, at row 4, row 5"}
    unknown = {e.message for e in _all(tmp_path, new, model) if "unknown-category" in e.id}
    assert unknown == {
        "f: B at row 2, zz at row 6: no such category was fitted",
        "hit: 3 at row 3: no such category was fitted",
    }
    assert all(e.where.file == "new.csv" for e in _all(tmp_path, new, model))


def _all(tmp_path, new, model):
    with pytest.raises(InputErrors) as caught:
        predict(tmp_path, new, model)
    return caught.value.flatten()


def test_many_bad_rows_are_counted(table, tmp_path):
    model = model_of(table, "y ~ f + (1|g)")
    new = {"f": ["z"] * 9, "g": ["g0"] * 9}
    (error,) = _all(tmp_path, new, model)
    assert error.message == (
        "f: z at row 1, z at row 2, z at row 3 and 6 rows more: no such category was fitted"
    )


def test_text_among_numbers_and_missing_columns_are_told_together(table, tmp_path):
    model = model_of(table, "y ~ x + z + f + (1|g)")
    with pytest.raises(InputErrors) as caught:
        predict(tmp_path, {"x": ["1", "many"], "f": ["a", "b"], "g": ["g0", "g1"]}, model)
    assert {e.id for e in caught.value.flatten()} == {
        "data.unknown-column",
        "data.text-among-numbers",
    }


def test_values_that_overflow_are_refused(table, tmp_path):
    model = model_of(table, "y ~ exp(z) + (1|g)")
    found = errors_of(tmp_path, {"z": [1.0, 800.0], "g": ["g0", "g0"]}, model)
    assert found["predict.not-finite"].message == "exp(z): row 2: not finite"


def test_a_spline_beyond_the_fitted_rows_is_noted(table, tmp_path):
    model = model_of(table, "y ~ bs(x, 4) + (1|g)")
    notes, _ = predict(tmp_path, {"x": [0.5, 90.0], "g": ["g0", "g0"]}, model)
    assert notes == ("bs(x, 4): 1 row beyond the fitted rows; the spline goes on",)


def test_draws_outside_the_family_leave_a_row_without_numbers(table, tmp_path):
    model = model_of(table, "positive ~ x + (1|g)", family="gamma", link="identity")
    found = summaries(tmp_path, {"x": [1.0, -500.0], "g": ["g0", "g0"]}, model)
    assert np.isnan(found).any(axis=1).all()
