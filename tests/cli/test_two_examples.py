"""Every command on a finished run, on two shipped examples and against numbers from elsewhere.

`ab_lifts` and `eight_schools` have posteriors by quadrature (`known_sd_support`), so that what each
command prints can be held against them. Fitted once; the exact engine takes a second.
"""

import io
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from known_sd_support import KnownSd
from run_support import ROOT, reference, spec_path
from scipy import stats

from hiermix.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

UNITS = 4.0
"""Monte Carlo errors that a number may be off: 6e-5 each, 5e-3 over the 80 compared here."""


@dataclass(frozen=True)
class Example:
    """A shipped example with known standard errors; ``threshold`` is one to ask about."""

    name: str
    group: str
    known: KnownSd
    levels: list[str]
    threshold: float


def example_of(name, group, response, sd_mu, prior, threshold):
    table = pd.read_csv(next((ROOT / "examples" / name).glob("*.csv"))).sort_values(group)
    y, se = (table[column].to_numpy(dtype=float) for column in (response, "se"))
    return Example(name, group, KnownSd(y, se, sd_mu, prior), list(table[group]), threshold)


NO_SPREAD = stats.uniform(0, 1e-9)
"""Prior of tau in complete pooling."""

EXAMPLES = {
    "ab_lifts": ("country", "lift", 0.1, stats.halfnorm(scale=0.05), 0.01),
    "eight_schools": ("school", "y", 5.0, stats.halfcauchy(scale=5.0), 5.0),
}


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request):
    return example_of(request.param, *EXAMPLES[request.param])


@pytest.fixture(scope="module")
def run(example, tmp_path_factory):
    folder = tmp_path_factory.mktemp(example.name) / "run"
    assert main(["run", str(spec_path(example.name)), "-q", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def printed(capsys):
    """Return a function that runs a command and returns its CSV as a table."""

    def call(*arguments, code=0):
        capsys.readouterr()
        assert main([*map(str, arguments), "--format", "csv"]) == code, capsys.readouterr().err
        return pd.read_csv(
            io.StringIO(capsys.readouterr().out), keep_default_na=False, na_values=""
        )

    return call


def close(found, expected, mcse):
    distance = np.abs(np.asarray(found) - expected) / np.asarray(mcse)
    assert distance.max() <= UNITS, distance


def test_the_quadrature_agrees_with_the_numbers_in_the_example(example):
    stored = reference(example.name)["exact"]["coefficients"][f"1|{example.group}"]
    assert np.allclose(example.known.mean[:-1], [stored[n]["mean"] for n in example.levels], 2e-3)
    assert np.allclose(example.known.sd[:-1], [stored[n]["sd"] for n in example.levels], rtol=5e-3)


def test_summary_prints_the_levels_of_the_quadrature(example, run, printed):
    table = printed("summary", run, "group_effects").set_index("level").loc[example.levels]
    mcse = table["coefficient_sd"] / np.sqrt(table["ess_bulk"])
    close(table["coefficient_mean"], example.known.mean[:-1], mcse)
    # Weights vary from draw to draw by less than 0.5, and the draws of tau count least.
    effective = printed("summary", run).set_index("parameter")["ess_bulk"].min()
    close(table["pooling"], example.known.weight, 0.35 / np.sqrt(effective))


def test_gates_judge_a_run_again_as_it_was_judged_and_more_strictly(example, run, printed):
    stored = json.loads((run / "gates.json").read_text("utf-8"))["findings"]
    again = printed("gates", run)
    assert list(again["status"]) == [finding["status"] for finding in stored]
    # Six lifts and eight schools are fewer rows than `strict` wants.
    strict = printed("gates", run, "--policy", "strict", code=3).set_index("gate")
    assert strict.loc["rows", "status"] == "fail"
    assert strict.loc["rows", "value"] == len(example.levels)


def test_report_is_written_again_from_the_tables(example, run, capsys):
    page = run / "report.html"
    before = page.stat().st_ino
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.stat().st_ino != before
    text = page.read_text("utf-8")
    assert [level for level in example.levels if f">{level}<" not in text] == []
    assert f"1|{example.group}" in text


def test_predict_gives_levels_and_a_new_one_as_the_quadrature_has_them(
    example, run, printed, tmp_path
):
    new = tmp_path / "new.csv"
    new.write_text("\n".join([example.group, *example.levels, "unheard of"]) + "\n")
    table = printed("predict", run, new, "--new-levels", "draw")
    ess = printed("summary", run)["ess_bulk"].min()
    close(table["mean"], example.known.mean, table["sd"] / np.sqrt(ess))
    # Sampling error of a sd of heavier-tailed draws: kurtosis from the draws' own mixture.
    assert np.allclose(table["sd"], example.known.sd, rtol=0.15)
    assert list(table["new_levels"].fillna("")) == [""] * len(example.levels) + [example.group]


def test_ask_gives_the_probabilities_of_the_quadrature(example, run, printed):
    table = printed("ask", run, "--of", f"1|{example.group}", "--threshold", example.threshold)
    table = table.set_index("level").loc[example.levels]
    close(table["prob_above"], example.known.above(example.threshold)[:-1], table["mcse_above"])
    close(table["mean"], example.known.mean[:-1], table["mcse_mean"])


def test_compare_and_pooling_give_the_exact_accuracy_for_rows_that_are_left_out(
    example, run, printed, tmp_path
):
    _, response, sd_mu, _, _ = EXAMPLES[example.name]
    spec = spec_path(example.name)
    complete = tmp_path / "complete"
    without = [
        f"--set=model.formula={response} ~ 1",
        f'--set=priors={{"Intercept": "Normal(0, {sd_mu})"}}',
    ]
    assert main(["run", str(spec), "-q", "--out", str(complete), *without]) == 0
    both = {
        "partial": example.known.elpd,
        "complete": KnownSd(example.known.y, example.known.se, sd_mu, NO_SPREAD).elpd,
    }
    compared = printed("compare", run, complete).set_index("run")
    assert list(compared["rank"]) == [1, 2]
    expected = pd.Series({str(run): both["partial"], str(complete): both["complete"]})
    assert compared.index[0] == expected.idxmax()
    # Where Pareto k is high, PSIS is off (here by 0.6), and the table has to say so.
    off = (compared["elpd"] - expected[compared.index]).abs()
    assert (off[compared["reliable"]] <= 0.15).all()
    assert (compared.loc[~compared["reliable"], "high_k"] > 0).all()
    assert compared.loc[str(complete), "reliable"]
    assert compared["weight"].sum() == pytest.approx(1, abs=1e-5)
    pooled = printed("pooling", spec, "-q", "--table", "accuracy").set_index("method")
    for method, elpd in both.items():
        assert pooled.loc[method, "elpd_loo"] == pytest.approx(elpd, abs=0.15)


def test_pooling_puts_raw_and_partial_estimates_beside_each_other(example, printed):
    table = printed("pooling", spec_path(example.name), "-q").set_index("level").loc[example.levels]
    known = example.known
    ess = 2000  # of 4,000 independence draws; measured 2,500 and more
    close(table["partial_estimate"], known.mean[:-1], table["partial_sd"] / np.sqrt(ess))
    close(table["none_estimate"], known.y, table["none_sd"] / np.sqrt(ess))
    precision = np.append(1 / known.se**2, 1 / known.sd_mu**2)
    at = (known.y @ precision[:-1]) / precision.sum()
    close(table["complete_estimate"], at, table["complete_sd"] / np.sqrt(ess))
    assert np.allclose(table["complete_sd"], precision.sum() ** -0.5, rtol=0.1)


def test_prior_check_has_the_quantiles_of_the_priors(example, printed):
    spec = spec_path(example.name)
    table = printed("prior-check", spec, "-q", "--draws", "4000").set_index("quantity")
    row, prior = table.loc["group_sd"], example.known.prior
    for column, p in (("prior_lower", 0.05), ("prior_median", 0.5), ("prior_upper", 0.95)):
        shares = prior.cdf(row[column])
        assert abs(shares - p) <= UNITS * np.sqrt(p * (1 - p) / 4000)
    assert table.loc["outcome_mean", "data"] == pytest.approx(example.known.y.mean())
