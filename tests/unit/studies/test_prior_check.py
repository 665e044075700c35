"""The table of a prior check: numbers, remarks, sentences, determinism."""

import json

import numpy as np
import pandas as pd
import pytest
from model_support import panel
from run_support import Silent
from scipy import stats

from hiermix import pipeline
from hiermix.errors import UsageError
from hiermix.spec import load_spec
from hiermix.studies import prior_check
from hiermix.studies.prior_check import COLUMNS, check_priors
from hiermix.studies.priors.measures import level_means, moments, quantiles
from hiermix.studies.priors.quantities import QUANTITIES
from hiermix.studies.priors.remarks import REMARKS, remark_of


def prepared(folder, formula, *, priors=None, table=None, **model):
    (panel() if table is None else table).to_csv(folder / "data.csv", index=False)
    document = {
        "name": "test",
        "data": {"path": "data.csv", "types": {"g": "category"}, "reduce": "off"},
        "model": {"formula": formula, **model},
        "priors": priors or {},
        "fit": {"seed": 1},
    }
    return pipeline.prepare(load_spec(json.dumps(document), "spec.yaml"), folder, Silent())


def row_of(check, quantity, group="", term=""):
    table = check.table
    found = table[
        (table["quantity"] == quantity) & (table["group"] == group) & (table["term"] == term)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_a_normal_models_interval_is_that_of_the_sum_of_its_variances(tmp_path) -> None:
    priors = {"Intercept": "Normal(1, 2)", "sigma": 1.5}
    check = check_priors(prepared(tmp_path, "y ~ 1", priors=priors), draws=20_000)
    truth = stats.norm(1, np.sqrt(4 + 2.25))
    outcome = row_of(check, "outcome")
    # Rows of a draw share its intercept: no better than one row a draw for the standard error.
    se = np.sqrt(0.05 * 0.95 / 20_000) / truth.pdf(truth.ppf(0.05))
    assert abs(outcome["prior_lower"] - truth.ppf(0.05)) < 4 * se
    assert abs(outcome["prior_upper"] - truth.ppf(0.95)) < 4 * se
    data = panel()["y"]
    assert outcome[["data_min", "data", "data_max"]].tolist() == pytest.approx(
        [data.min(), data.median(), data.max()]
    )
    mean = row_of(check, "outcome_mean")
    spread = stats.norm(1, np.sqrt(4 + 2.25 / len(data)))
    assert mean["prob_below"] == pytest.approx(spread.cdf(data.mean()), abs=0.015)


def test_group_sd_icc_and_residual_sd_are_those_of_their_priors(tmp_path) -> None:
    priors = {"1|g": "HalfNormal(2)", "sigma": "HalfNormal(1)"}
    model = prepared(tmp_path, "y ~ 1 + (1 | g)", priors=priors)
    check = check_priors(model, draws=20_000)
    for row, sd in ((row_of(check, "group_sd", "g", "Intercept"), 2.0),):
        half = stats.halfnorm(0, sd)
        se = np.sqrt(0.25 / 20_000) / half.pdf(half.median())
        assert abs(row["prior_median"] - half.median()) < 4 * se
    # tau / sigma is 2 |Cauchy|: the ICC's median is where the ratio has its own, 2.
    icc = row_of(check, "icc", "g", "Intercept")
    assert icc["prior_median"] == pytest.approx(0.8, abs=0.02)
    assert row_of(check, "residual_sd", term="sigma")["prior_median"] == pytest.approx(
        stats.halfnorm.median(), abs=0.04
    )


def test_a_bernoulli_model_with_wide_priors_is_absurd_at_0_and_1(tmp_path) -> None:
    wide = prepared(tmp_path, "hit ~ 1", family="bernoulli", priors={"Intercept": "Normal(0, 10)"})
    row = row_of(check_priors(wide), "share_certain")
    truth = 2 * stats.norm.sf(np.log(999) / 10)
    assert abs(row["prior_mean"] - truth) < 4 * np.sqrt(truth * (1 - truth) / 2000)
    assert row["remark"] == "absurd"
    assert any("within 0.001 of 0 or 1" in text for text in check_priors(wide).sentences)
    usual = check_priors(prepared(tmp_path, "hit ~ 1", family="bernoulli"))
    assert row_of(usual, "share_certain")["remark"] == ""


def test_wide_and_tight_priors_are_called_so_in_words(tmp_path) -> None:
    wide = check_priors(prepared(tmp_path, "y ~ 1", priors={"Intercept": "Normal(0, 300)"}))
    assert row_of(wide, "outcome")["remark"] == "wide"
    assert row_of(wide, "share_far")["remark"] == "absurd"
    assert wide.sentences[0].startswith("90 % of prior outcomes of y lie within -")
    assert wide.sentences[0].endswith(": wide")
    tight = prepared(tmp_path, "y ~ 1", priors={"Intercept": "Normal(40, 0.1)", "sigma": 0.1})
    check = check_priors(tight)
    assert row_of(check, "outcome")["remark"] == "tight"
    assert row_of(check, "outcome_mean")["remark"] == "conflict"
    assert row_of(check, "outcome_sd")["remark"] == "tight"


def test_huge_counts_and_impossible_means_are_counted(tmp_path) -> None:
    priors = {"Intercept": "Normal(0, 40)"}
    huge = check_priors(prepared(tmp_path, "count ~ 1", family="poisson", priors=priors))
    most = 1000 * panel()["count"].max()
    truth = stats.norm.sf(np.log(most) / 40)
    row = row_of(huge, "share_huge")
    assert abs(row["prior_mean"] - truth) < 4 * np.sqrt(truth * (1 - truth) / 2000)
    assert row_of(huge, "share_impossible")["prior_mean"] == 0
    priors = {"Intercept": "Normal(0.5, 0.25)"}
    out = check_priors(
        prepared(tmp_path, "hit ~ 1", family="bernoulli", link="identity", priors=priors)
    )
    truth = 2 * stats.norm.sf(2)
    row = row_of(out, "share_impossible")
    assert abs(row["prior_mean"] - truth) < 4 * np.sqrt(truth * (1 - truth) / 2000)
    assert row["remark"] == "impossible"


def test_categories_have_their_shares(tmp_path) -> None:
    table = panel()
    model = prepared(tmp_path, "grade ~ 1 + (1 | g)", family="cumulative", table=table)
    rows = check_priors(model).table
    shares = rows[rows["quantity"] == "category_share"]
    assert shares["term"].tolist() == ["1", "2", "3"]
    assert shares["prior_mean"].sum() == pytest.approx(1)
    assert shares["data"].tolist() == pytest.approx(
        [(table["grade"] == level).mean() for level in "123"]
    )
    assert not rows["quantity"].str.startswith("outcome").any()


def test_the_same_seed_gives_the_same_table_and_another_one_another(tmp_path) -> None:
    model = prepared(tmp_path, "y ~ x + (x | g)")
    first, second = check_priors(model, 300), check_priors(model, 300, 1)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.sentences == second.sentences and (first.outcomes == second.outcomes).all()
    other = check_priors(model, 300, 2).table
    assert (other["prior_median"] != first.table["prior_median"]).any()
    assert tuple(first.table.columns) == COLUMNS
    assert set(first.table["quantity"]) <= set(QUANTITIES)
    assert set(first.table["remark"]) <= {"", *REMARKS}


def test_of_many_rows_a_sample_stands_for_data_and_prior(tmp_path, monkeypatch) -> None:
    model = prepared(tmp_path, "y ~ x + (1 | g)")
    monkeypatch.setattr(prior_check, "MAX_CELLS", 4000)
    check = check_priors(model, 200)
    assert check.n_rows == 20 == len(check.observed)
    assert check.notes[0].startswith("20 of ")
    assert row_of(check, "outcome_mean")["data"] == pytest.approx(check.observed.mean())


@pytest.mark.parametrize("draws", [0, 99, 100_001])
def test_too_few_or_too_many_draws_are_refused(tmp_path, draws) -> None:
    with pytest.raises(UsageError, match=str(draws)):
        check_priors(prepared(tmp_path, "y ~ 1"), draws)


def test_level_means_and_moments_are_those_of_pandas(tmp_path) -> None:
    table = panel()
    factor = prepared(tmp_path, "y ~ 1 + (1 | g)").design.main.factors[0]
    values, weight = table[["y", "x"]].to_numpy(), table["w"].to_numpy(dtype=float)
    by = table.assign(wy=table["w"] * table["y"]).groupby("g")
    truth = by["wy"].sum() / by["w"].sum()
    np.testing.assert_allclose(level_means(values, weight, factor)[:, 0], truth)
    found = moments(values, np.ones(len(values)))
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    np.testing.assert_allclose(found.sd, values.std(axis=0))
    holed = values.copy()
    holed[3] = np.nan
    np.testing.assert_allclose(
        moments(holed, np.ones(len(values))).mean, np.delete(values, 3, axis=0).mean(axis=0)
    )


def test_quantiles_of_infinite_values_are_numbers_and_of_none_nan() -> None:
    assert quantiles(np.array([1.0, np.inf, np.inf, np.nan]), (0.1, 0.9)) == (1.0, np.inf)
    assert np.isnan(quantiles(np.array([np.nan]), (0.5,))).all()


def test_an_icc_on_one_side_is_remarked() -> None:
    def remark(lower, upper):
        return remark_of({"quantity": "icc", "prior_lower": lower, "prior_upper": upper}, np.nan)

    assert (remark(0.6, 0.9), remark(0.01, 0.05), remark(0.1, 0.9)) == ("high", "low", "")
