"""Effects of two arms from real fits: wide and long data, brute force, coverage of a truth."""

import json

import numpy as np
import pandas as pd
import pytest
from run_support import Silent
from scipy.special import expit

from hiermix import pipeline
from hiermix.spec import load_spec

pytestmark = pytest.mark.statistical

WIDE_ARMS = {
    "control": {"successes": "a", "trials": "users"},
    "treatment": {"successes": "b", "trials": "users"},
}
LONG_ARMS = {"column": "arm", "control": 0, "treatment": 1}

COUNTRIES = pd.DataFrame(
    {
        "g": ["US", "UK", "DE", "BR", "JP", "AU"],
        "users": [50000, 20000, 8000, 2000, 500, 200],
        "a": [6000, 2400, 960, 240, 55, 22],
        "b": [6400, 2560, 1040, 280, 75, 30],
    }
)


def long(wide):
    rows = [wide.assign(arm=k, successes=wide[c], trials=wide["users"]) for k, c in enumerate("ab")]
    both = pd.concat(rows).sort_index(kind="stable").reset_index(drop=True)
    return both[["g", "arm", "successes", "trials"]]


def fitted(folder, table, arms, **fit):
    table.to_csv(folder / "d.csv", index=False)
    document = {
        "data": {"path": "d.csv"},
        "model": {"formula": "p(successes, trials) ~ arm + (arm | g)", "family": "binomial"},
        "arms": arms,
        "priors": {"arm": "Normal(0, 0.5)", "arm|g": "HalfNormal(0.2)"},
        "fit": {"seed": 5, "draws": 500, "tune": 500, "chains": 2, "max_attempts": 1, **fit},
    }
    loaded = load_spec(json.dumps(document), str(folder / "spec.yaml"))
    return pipeline.fit(pipeline.prepare(loaded, folder, Silent()), Silent())


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return (
        fitted(tmp_path_factory.mktemp("wide"), COUNTRIES, {**WIDE_ARMS, "users": "per-arm"}),
        fitted(tmp_path_factory.mktemp("long"), long(COUNTRIES), LONG_ARMS),
    )


def test_wide_and_long_data_have_the_same_data_draws_and_effects(pair):
    wide, rows = pair
    assert wide.prepared.frame.sha256 == rows.prepared.frame.sha256
    for name, values in rows.fit.tree["posterior"].data_vars.items():
        np.testing.assert_array_equal(wide.fit.tree["posterior"][name], values)
    pd.testing.assert_frame_equal(wide.tables.arms, rows.tables.arms)


def test_a_total_is_twice_the_users_of_each_arm(pair, tmp_path):
    doubled = COUNTRIES.assign(users=2 * COUNTRIES["users"])
    total = fitted(tmp_path, doubled, {**WIDE_ARMS, "users": "total"})
    pd.testing.assert_frame_equal(total.tables.arms, pair[0].tables.arms)


def test_effects_are_brute_force_on_the_stored_draws(pair):
    result = pair[0]
    posterior = result.fit.tree["posterior"].dataset.stack(sample=("chain", "draw"))
    names = sorted(COUNTRIES["g"])
    intercept, slope = (
        posterior[common].to_numpy()[None] + posterior[by].transpose(..., "sample").to_numpy()
        for common, by in (("Intercept", "1|g"), ("arm", "arm|g"))
    )
    p0, p1 = expit(intercept), expit(intercept + slope)
    table = result.tables.arms.set_index(["level", "scale"])
    for place, name in enumerate(names):
        expected = {
            "difference": p1[place] - p0[place],
            "ratio": p1[place] / p0[place],
            "log_odds": slope[place],
        }
        for scale, draws in expected.items():
            row = table.loc[(name, scale)]
            assert row["mean"] == pytest.approx(draws.mean(), rel=1e-12)
            assert row["sd"] == pytest.approx(draws.std(ddof=1), rel=1e-10)
    weights = COUNTRIES.set_index("g").loc[names, "users"].to_numpy(dtype=float)
    share = (weights / weights.sum())[:, None]
    whole = (share * p1).sum(axis=0) / (share * p0).sum(axis=0)
    assert table.loc[("(all)", "ratio"), "mean"] == pytest.approx(whole.mean(), rel=1e-12)


def test_intervals_cover_the_truth_of_simulated_levels_and_pooling_is_nearer_to_it(tmp_path):
    rng = np.random.default_rng(11)
    n = 250
    users = rng.integers(200, 3000, size=n)
    intercept = rng.normal(-1.5, 0.4, size=n)
    slope = rng.normal(0.15, 0.12, size=n)
    p0, p1 = expit(intercept), expit(intercept + slope)
    table = pd.DataFrame(
        {
            "g": [f"g{i:03d}" for i in range(n)],
            "users": users,
            "a": rng.binomial(users, p0),
            "b": rng.binomial(users, p1),
        }
    )
    result = fitted(tmp_path, table, {**WIDE_ARMS, "users": "per-arm"})
    arms = result.tables.arms
    arms = arms[arms["group"] == "g"]
    truth = {"difference": p1 - p0, "ratio": p1 / p0, "log_odds": slope}
    for scale, true in truth.items():
        own = arms[arms["scale"] == scale]
        assert own["level"].tolist() == table["g"].tolist()
        covered = ((own["lower"] <= true) & (true <= own["upper"])).mean()
        # 250 levels, 90 %: three standard errors of a share.
        assert abs(covered - 0.9) < 3 * np.sqrt(0.09 / n), (scale, covered)
        reach = 1.645 * own["raw_se"]
        raw = (np.abs(own["raw_estimate"] - true) <= reach).mean()
        assert abs(raw - 0.9) < 3 * np.sqrt(0.09 / n), (scale, raw)
        error = ((own["mean"] - true) ** 2).mean(), ((own["raw_estimate"] - true) ** 2).mean()
        assert error[0] < 0.7 * error[1], (scale, error)
