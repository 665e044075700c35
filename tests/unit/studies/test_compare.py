"""Comparisons of runs, against closed forms and numpy on the parts of single rows."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from hiermix.errors import InputErrors
from hiermix.studies.accuracy import pointwise_loo
from hiermix.studies.comparable import Candidate, check_observed, check_stated
from hiermix.studies.compare import COMPARE_COLUMNS, comparison

N = 120
SIGMA = 1.5
PRIOR_SD = 2.0
REPLICATES = 12
Y = np.random.default_rng(3).normal(0.4, SIGMA, N)
X = np.random.default_rng(4).normal(size=N)


def candidate(run="a", **changes) -> Candidate:
    base = Candidate(
        run=run,
        name="demo",
        engine="exact",
        verdict="pass",
        formula="y ~ x + (1 | g)",
        family="gaussian",
        sha256="1",
        source=("/data.csv", ""),
        rows_used=4,
        rows_dropped={},
    )
    return replace(base, **changes)


def normal_model(y, seed, shift=0.0, n_draws=1000):
    """Return log likelihoods ``(4, n_draws, n)`` of draws of mu ~ N(shift, PRIOR_SD^2) | y."""
    precision = 1 / PRIOR_SD**2 + len(y) / SIGMA**2
    mean = (shift / PRIOR_SD**2 + y.sum() / SIGMA**2) / precision
    mu = np.random.default_rng(seed).normal(mean, precision**-0.5, (4, n_draws))
    return stats.norm(mu[..., None], SIGMA).logpdf(y), xr.Dataset({"mu": (("chain", "draw"), mu)})


def closed_form(y, shift=0.0):
    """Return log densities of each value given all others, ``(n,)``."""
    precision = 1 / PRIOR_SD**2 + (len(y) - 1) / SIGMA**2
    mean = (shift / PRIOR_SD**2 + (y.sum() - y) / SIGMA**2) / precision
    return stats.norm(mean, np.sqrt(1 / precision + SIGMA**2)).logpdf(y)


@pytest.fixture(scope="module")
def found():
    """Return PSIS-LOO of a good model, a bad one, and one that is good for some rows."""
    half = np.where(X > 0.8, Y - 0.1, Y + 3.0 * X)
    return {
        "a": pointwise_loo(*normal_model(Y, 1)),
        "b": pointwise_loo(*normal_model(Y + 0.8 * X, 2)),
        "c": pointwise_loo(*normal_model(half, 3)),
    }


def compared(found):
    return comparison([candidate(run, rows_used=N) for run in found], found)


def test_leaving_rows_out_of_a_normal_model_is_what_the_closed_form_says() -> None:
    parts = np.array(
        [pointwise_loo(*normal_model(Y, seed)).elpd_i.to_numpy() for seed in range(REPLICATES)]
    )
    errors = parts.std(axis=0, ddof=1) / np.sqrt(REPLICATES)
    z = (parts.mean(axis=0) - closed_form(Y)) / errors
    assert np.abs(z).max() < stats.t(REPLICATES - 1).isf(0.5e-3 / N)
    total = parts.sum(axis=1)
    error = total.std(ddof=1) / np.sqrt(REPLICATES)
    assert abs(total.mean() - closed_form(Y).sum()) < 4 * error < 0.03


def test_elpd_differences_and_errors_are_those_of_the_parts(found) -> None:
    table = compared(found).table.set_index("run")
    assert tuple(compared(found).table.columns) == COMPARE_COLUMNS
    best = found["a"].elpd_i.to_numpy()
    assert list(table["rank"]) == [1, 2, 3] and table.index[0] == "a"
    for run, elpd in found.items():
        parts = elpd.elpd_i.to_numpy()
        row = table.loc[run]
        assert row["elpd"] == pytest.approx(parts.sum())
        assert row["elpd_se"] == pytest.approx(np.sqrt(N * parts.var(ddof=1)))
        assert row["elpd_diff"] == pytest.approx((parts - best).sum())
        assert row["diff_se"] == pytest.approx(np.sqrt(N * (parts - best).var()))
        assert row["pieces"] == N and row["high_k"] == 0 and row["reliable"]


def best_mixture(parts):
    """Return the shares ``(k,)`` that are best for ``(n, k)`` log densities, by EM."""
    density = np.exp(parts - parts.max(axis=1, keepdims=True))
    shares = np.full(parts.shape[1], 1 / parts.shape[1])
    for _ in range(20_000):
        each = density * shares
        shares = (each / each.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares


@pytest.mark.parametrize("times", [1.0, 400.0])
def test_weights_are_those_of_the_best_mixture(found, times) -> None:
    # Cells of many rows have log densities whose exponentials are zero.
    scaled = {}
    for run, elpd in found.items():
        values, posterior = normal_model(Y, 1)
        scaled[run] = pointwise_loo(values, posterior)
        scaled[run].elpd_i = elpd.elpd_i - (times - 1) * 4
        scaled[run].elpd = float(scaled[run].elpd_i.sum())
    table = compared(scaled).table.set_index("run")
    expected = best_mixture(np.column_stack([e.elpd_i.to_numpy() for e in scaled.values()]))
    assert expected.min() >= 0 and 0.05 < expected[0] < 0.95
    weights = [table.loc[run, "weight"] for run in scaled]
    np.testing.assert_allclose(weights, expected, atol=2e-3)


def test_a_run_with_too_many_high_k_is_marked_and_a_failed_one_says_so(found) -> None:
    rough = pointwise_loo(*normal_model(Y, 2))
    rough.pareto_k = rough.pareto_k.copy(data=np.where(np.arange(N) < N // 8, 0.9, 0.1))
    rough.pareto_k[N - 1] = np.nan
    result = comparison(
        [candidate("a", rows_used=N, verdict="fail"), candidate("b", rows_used=N)],
        {"a": found["c"], "b": rough},
    )
    table = result.table.set_index("run")
    assert table.loc["b", "high_k"] == N // 8 + 1
    assert not table.loc["b", "reliable"] and "Pareto k is too high" in table.loc["b", "note"]
    assert table.loc["a", "verdict"] == "FAILED" and result.failed
    assert table.loc["a", "reliable"] and not compared(found).failed


OBSERVED = np.array([0.5, 1.25, -2.0, 3.5])
COUNTS = np.array([0.0, 1.0, 1.0, 3.0])


def refused(first, other, values=OBSERVED, others=None) -> list[str]:
    others = values if others is None else others
    try:
        check_stated([first, other])
        check_observed([first, other], [values, others])
    except InputErrors as errors:
        assert all(e.hint and e.where.file == "b" for e in errors.errors)
        return [e.id.removeprefix("compare.") for e in errors.errors]
    return []


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"formula": "y ~ (1 | h)", "sha256": "2"}, []),
        ({"family": "t"}, []),
        ({"formula": "log(y) ~ x"}, ["response"]),
        ({"formula": "weighted(y, w) ~ x"}, ["response"]),
        ({"family": "poisson"}, ["family"]),
        ({"family": "hurdle_gamma"}, ["family"]),
        ({"rows_used": 5}, ["rows"]),
        ({"left_out": "9 rows x 9 draws are too many"}, ["no-log-likelihood"]),
        ({"left_out": "x", "rows_used": 5, "formula": "z ~ 1"}, ["no-log-likelihood", "response",
                                                                 "rows"]),
    ],
)  # fmt: skip
def test_runs_are_refused_by_what_they_state(changes, ids) -> None:
    assert refused(candidate("a"), candidate("b", **changes)) == ids


def test_other_responses_are_refused_and_the_first_one_is_named() -> None:
    first, other = candidate("a"), candidate("b")
    assert refused(first, other, OBSERVED, OBSERVED[[1, 0, 2, 3]]) == ["data"]
    assert refused(first, other, OBSERVED, OBSERVED[:3]) == ["pieces"]
    with pytest.raises(InputErrors, match=r"response of row 2 is 1\.25000001, in 'a' 1\.25"):
        check_observed([first, other], [OBSERVED, OBSERVED + np.array([0, 1e-8, 0, 0])])


HALVES = np.array([3.0, 2.5, 3.0, 3.0, 3.0, 2.5, 3.0])
OTHER_FILE = {"sha256": "2", "source": ("/other.csv", "")}
OTHER_ROWS = {"sha256": "2", "rows_dropped": {"x": 1}}


@pytest.mark.parametrize("changes", [OTHER_FILE, OTHER_ROWS])
@pytest.mark.parametrize(
    ("formula", "family", "values", "settled"),
    [
        ("y ~ x", "gaussian", OBSERVED, True),
        ("y ~ x", "gaussian", COUNTS, False),
        ("y ~ x", "gaussian", HALVES, False),
        ("y ~ x", "poisson", COUNTS, False),
        ("weighted(y, w) ~ x", "gaussian", OBSERVED, False),
        ("p(y, n) ~ x", "binomial", COUNTS, False),
    ],
)
def test_equal_responses_settle_another_hash_only_if_they_do_not_repeat(
    changes, formula, family, values, settled
) -> None:
    first = candidate("a", formula=formula, family=family)
    other = replace(first, run="b", **changes)
    assert refused(first, other, values) == ([] if settled else ["data"])
    assert refused(first, replace(first, run="b", sha256="2"), values) == []
    assert refused(first, replace(other, sha256="1"), values) == []


def test_cells_of_merged_rows_need_the_same_hash_and_are_told() -> None:
    first = candidate("a", rows_used=9)
    assert refused(first, replace(first, run="b", sha256="2")) == ["data"]
    (note,) = check_observed([first, replace(first, run="b")], [OBSERVED, OBSERVED])
    assert "a piece is a cell, 4 of them for 9 rows" in note


def test_what_is_taken_for_granted_is_told() -> None:
    first = candidate("a", formula="weighted(y, w) ~ x")
    notes = check_observed([first, replace(first, run="b", sha256="2")], [OBSERVED, OBSERVED])
    assert "all 4 responses are the same" in notes[0] and "weight" in notes[1]
    assert check_observed([candidate("a"), candidate("b")], [OBSERVED, OBSERVED]) == ()


def test_the_same_columns_with_another_hash_are_other_data() -> None:
    columns = frozenset({"y", "x", "g"})
    first, other = candidate(columns=columns), candidate("b", columns=columns, sha256="2")
    telling = np.array([1.5, 2.0, 2.5, 3.0])
    (note,) = check_observed([first, other], [telling, telling])
    assert note.startswith("b: the data were changed since 'a'")
    with pytest.raises(InputErrors, match="the data were changed between the runs"):
        check_observed([first, other], [np.arange(4.0), np.arange(4.0)])
    more = replace(other, columns=columns | {"z"})
    (note,) = check_observed([first, more], [telling, telling])
    assert note.startswith("the runs use different columns")
