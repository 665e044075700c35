"""Answers against quadrature, closed forms and numpy on the rows."""

import json

import numpy as np
import pytest
from model_support import panel
from question_support import Asked
from run_support import Silent, spec_path
from scipy import signal, special, stats

from hiermix import pipeline
from hiermix.data import merging
from hiermix.spec import load_spec
from hiermix.spec.questions import stated_question
from hiermix.summary.links import INVERSE, SLOPES
from hiermix.summary.questions import response
from hiermix.summary.questions.answer import Levels, answer
from hiermix.summary.questions.asking import answer_questions

pytestmark = pytest.mark.statistical

MCSE_UNITS = 4.0
"""Two-sided false alarm 6e-5 per comparison."""

LIFTS = np.array([0.008, 0.008, 0.010, 0.020, 0.040, 0.040])
LIFTS_SE = np.array([0.003, 0.005, 0.008, 0.015, 0.030, 0.050])
COUNTRIES = ["US", "UK", "DE", "BR", "JP", "AU"]

SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SCHOOLS_SE = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def exact_choice(y, se, mean_prior, tau_prior, tau_max, points=300):
    """Return P(best), expected losses and E theta of the normal model, by quadrature.

    Given the sd tau and the mean mu the effects are independent normals, so that
    P(best = j) = int phi_j(x) prod_k Phi_k(x) dx and E max = int x d(prod_k Phi_k(x)).
    """
    tau = (np.arange(points) + 0.5) / points * tau_max
    precision = 1 / (se**2 + tau[:, None] ** 2)
    prior_precision = 1 / mean_prior[1] ** 2
    total = precision.sum(axis=1) + prior_precision
    centre = ((precision * y).sum(axis=1) + mean_prior[0] * prior_precision) / total
    log = (
        tau_prior.logpdf(tau)
        + stats.norm.logpdf(y, centre[:, None], precision**-0.5).sum(axis=1)
        + stats.norm.logpdf(centre, *mean_prior)
        - 0.5 * np.log(total)
    )
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    nodes, node_weight = special.roots_hermitenorm(15)
    node_weight = node_weight / node_weight.sum()
    best, mean, largest = np.zeros(len(y)), np.zeros(len(y)), 0.0
    for t, m, v, w in zip(tau, centre, total, weight, strict=True):
        for z, nw in zip(nodes, node_weight, strict=True):
            share = t**2 / (t**2 + se**2)
            centre_j = share * y + (1 - share) * (m + z / np.sqrt(v))
            sd_j = np.sqrt(share) * se
            x = np.linspace((centre_j - 6 * sd_j).min(), (centre_j + 6 * sd_j).max(), 600)[:, None]
            cdf, pdf = stats.norm.cdf(x, centre_j, sd_j), stats.norm.pdf(x, centre_j, sd_j)
            others = np.stack(
                [np.delete(cdf, j, axis=1).prod(axis=1) for j in range(len(y))], axis=1
            )
            best += w * nw * np.trapezoid(pdf * others, x[:, 0], axis=0)
            largest += w * nw * np.trapezoid(x[:, 0] * (pdf * others).sum(axis=1), x[:, 0])
            mean += w * nw * centre_j
    return best, largest - mean, mean


@pytest.fixture(scope="module")
def lifts():
    return exact_choice(LIFTS, LIFTS_SE, (0, 1), stats.halfnorm(scale=0.02), 0.1)


def run(example, overrides, *questions):
    path = spec_path(example)
    stated = f"questions={json.dumps(list(questions))}"
    loaded = load_spec(path.read_bytes(), str(path), [*overrides, stated])
    result = pipeline.fit(pipeline.prepare(loaded, path.parent, Silent()), Silent())
    return result.tables.questions


def test_the_quadrature_gives_the_published_probabilities(lifts):
    np.testing.assert_allclose(lifts[0], [0.083, 0.102, 0.148, 0.223, 0.236, 0.207], atol=1.5e-3)
    assert lifts[0].sum() == pytest.approx(1, abs=1e-6)


def test_the_best_country_of_the_ab_test(lifts):
    priors = ["priors.1|country=HalfNormal(0.02)", "priors.Intercept=Normal(0, 1)"]
    table = run("ab_lifts", priors, {"of": "1|country", "best": "max", "levels": COUNTRIES})
    best, loss, mean = lifts
    assert (abs(table["prob_best"] - best) <= MCSE_UNITS * table["mcse_best"]).all()
    assert (abs(table["expected_loss"] - loss) <= MCSE_UNITS * table["mcse_loss"]).all()
    assert (abs(table["mean"] - mean) <= MCSE_UNITS * table["mcse_mean"]).all()
    # Brazil and Japan differ by 3e-5: nobody can choose between them with 4,000 draws.
    unstable = table.loc[["best" in words for words in table["unstable"]], "level"]
    assert {"BR", "JP"} <= set(unstable)
    assert "US" not in set(unstable)


def test_expected_losses_of_eight_schools():
    exact = exact_choice(SCHOOLS, SCHOOLS_SE, (0, 5), stats.halfcauchy(scale=5), 60)
    table = run("eight_schools", [], {"of": "1|school", "best": "max"})
    assert table["level"].tolist() == list("ABCDEFGH")
    for column, mcse, expected in zip(
        ("prob_best", "expected_loss", "mean"), ("mcse_best", "mcse_loss", "mcse_mean"), exact,
        strict=True,
    ):  # fmt: skip
        assert (abs(table[column] - expected) <= MCSE_UNITS * table[mcse]).all(), column


def autoregressive(rng, phi, shape):
    noise = rng.normal(size=shape) * np.sqrt(1 - phi**2)
    noise[..., 0] /= np.sqrt(1 - phi**2)
    return signal.lfilter([1], [1, -phi], noise, axis=-1)


def test_two_mcse_cover_the_truth_as_often_as_they_should():
    """Three exchangeable levels: P(best) = 1/3, E loss = E max of three normals, P(> 1) known."""
    rng = np.random.default_rng(4)
    (question,) = stated_question({"of": "g", "best": "max", "top": 2, "threshold": 1.0})
    truths = {
        ("prob_best", "mcse_best"): 1 / 3,
        ("prob_top", "mcse_top"): 2 / 3,
        ("expected_loss", "mcse_loss"): 1.5 / np.sqrt(np.pi),
        ("prob_above", "mcse_above"): stats.norm.sf(1.0),
        ("mean", "mcse_mean"): 0.0,
    }
    covered = dict.fromkeys(truths, 0)
    repetitions = 300
    for _ in range(repetitions):
        draws = autoregressive(rng, 0.6, (3, 4, 500))
        levels = Levels(("a", "b", "c"), draws.__getitem__, 2000)
        row = answer("q", question, levels, 0.9, "eti").loc[0]
        for (value, mcse), truth in truths.items():
            covered[value, mcse] += abs(row[value] - truth) <= 2 * row[mcse]
    # 95.4 % expected; 0.905 and 0.99 are 4 binomial sds and more away from it.
    shares = {value: hits / repetitions for (value, _), hits in covered.items()}
    assert all(0.905 <= share <= 0.99 for share in shares.values()), shares


@pytest.fixture(scope="module")
def logistic():
    return Asked(
        panel(), "hit ~ x + f + offset(z) + (x | g)", family="bernoulli", n_draws=80, chains=2
    )


def predictor(asked, x, f):
    """Return eta, shape ``(n_draws, n_obs)``, of `logistic` by hand."""
    d, table = asked.draws, asked.table
    g = table["g"].str[1:].astype(int).to_numpy()
    shift = {"a": np.zeros(80), "b": d["f"][:, 0], "c": d["f"][:, 1]}
    of_f = np.stack([shift[level] for level in f], axis=1)
    return (
        (d["Intercept"][:, None] + d["1|g"][:, g])
        + (d["x"][:, None] + d["x|g"][:, g]) * np.asarray(x)
        + of_f
        + table["z"].to_numpy()
    )


def test_average_contrasts_and_slopes_equal_numpy(logistic):
    table = logistic.table
    x, f, n = table["x"].to_numpy(), list(table["f"]), len(table)
    answers = logistic.answers(
        {"of": "f", "scale": "response", "contrast": "pairwise", "levels": ["c", "a"]},
        {"of": "x", "scale": "response"},
        {"of": "x", "scale": "response", "values": [0, 2], "at": {"f": "b"}, "name": "change"},
    )
    p = special.expit
    expected = [
        (p(predictor(logistic, x, ["c"] * n)) - p(predictor(logistic, x, ["a"] * n))).mean(axis=1),
        (
            stats.logistic.pdf(predictor(logistic, x, f))
            * (logistic.draws["x"][:, None] + logistic.draws["x|g"][:, _levels(table)])
        ).mean(axis=1),
        (
            p(predictor(logistic, np.full(n, 2.0), ["b"] * n))
            - p(predictor(logistic, np.zeros(n), ["b"] * n))
        ).mean(axis=1),
    ]
    for row, draws in zip(answers.to_dict("records"), expected, strict=True):
        assert row["mean"] == pytest.approx(draws.mean(), rel=1e-9)
        assert row["sd"] == pytest.approx(draws.std(ddof=1), rel=1e-9)
        assert row["upper"] == pytest.approx(np.quantile(draws, 0.95), rel=1e-9)
    assert (answers["level"][2], answers["against"][2]) == ("2", "0")
    assert answers["note"][2] == "at f = b"


def _levels(table):
    return table["g"].str[1:].astype(int).to_numpy()


def test_rows_are_averaged_by_level(logistic):
    table = logistic.table
    answers = logistic.answers({"of": "x", "scale": "response", "values": [0, 1], "by": "g"})
    n, f = len(table), list(table["f"])
    change = special.expit(predictor(logistic, np.ones(n), f)) - special.expit(
        predictor(logistic, np.zeros(n), f)
    )
    expected = [change[:, _levels(table) == j].mean() for j in range(7)]
    assert answers["by"].tolist() == [f"g{j}" for j in range(7)]
    np.testing.assert_allclose(answers["mean"], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "options", "column"),
    [
        ("y ~ x + z + f + (1 | g)", {}, "x"),
        ("y ~ x + z + f + (1 | g)", {"cre": [{"group": "g", "terms": ["x"]}]}, "x"),
        ("y ~ scale(x) + z + (1 | g)", {}, "scale(x)"),
    ],
)
def test_a_linear_models_average_slope_is_its_coefficient(formula, options, column):
    asked = Asked(panel(), formula, n_draws=40, **options)
    (row,) = asked.answers({"of": "x", "scale": "response"}).to_dict("records")
    unit = panel()["x"].std(ddof=0) if "scale" in formula else 1.0
    assert row["mean"] == pytest.approx(asked.draws[column].mean() / unit, rel=1e-7)
    assert row["sd"] == pytest.approx(asked.draws[column].std(ddof=1) / unit, rel=1e-7)


@pytest.mark.parametrize("link", ["probit", "cloglog", "logit"])
def test_slopes_are_derivatives_of_the_inverse_links(link):
    curve, slope = INVERSE[link], SLOPES[link]
    eta = np.linspace(-3, 2, 11)
    numeric = (curve(eta + 1e-6) - curve(eta - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope(eta), numeric, rtol=1e-7)


def test_more_rows_than_can_be_evaluated_use_fewer_draws(logistic, monkeypatch):
    question = {"of": "f", "scale": "response", "contrast": "pairwise"}
    monkeypatch.setattr(response, "MIN_DRAWS", 20)
    monkeypatch.setattr(response, "MAX_CELLS", 1)
    monkeypatch.setattr(response, "CHUNK_CELLS", 200)
    table = logistic.answers(question)
    assert set(table["note"]) == {"20 of 40 draws a chain"}
    assert table["mean"].notna().all()


def test_merged_rows_count_as_often_as_they_occur(tmp_path, monkeypatch):
    """The same draws give the same averages, whether equal rows are merged or not."""
    monkeypatch.setattr(merging, "MERGED_FROM", 100)
    rng = np.random.default_rng(2)
    n = 600
    table = (
        panel()
        .sample(n, replace=True, random_state=1)[["f", "g", "hit"]]
        .assign(x=rng.choice([0.0, 1.0, 3.0], n, p=[0.6, 0.3, 0.1]))
    )
    table.to_parquet(tmp_path / "d.parquet")
    found = []
    for reduce in ("auto", "off"):
        document = {
            "data": {"path": "d.parquet", "reduce": reduce},
            "model": {"formula": "hit ~ x * f + (1 | g)", "family": "bernoulli"},
            "fit": {"seed": 1},
            "questions": [
                {"of": "x", "scale": "response"},
                {"of": "f", "scale": "response", "contrast": "pairwise", "by": "g"},
            ],
        }
        ready = pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), tmp_path, Silent())
        asked = Asked(table, "hit ~ x * f + (1 | g)", family="bernoulli", n_draws=40)
        found.append(
            answer_questions(
                ready.loaded.spec, ready.frame, ready.design, ready.plan, asked.fit, failed=False
            )
        )
        merged = ready.frame.multiplicity is not None
        assert merged == (reduce == "auto")
    for column in ("mean", "sd", "lower"):
        np.testing.assert_allclose(found[0][column], found[1][column], rtol=1e-9)


def test_what_an_offset_does_counts():
    asked = Asked(panel(), "y ~ x + offset(z) + (1 | g)", n_draws=20)
    (row,) = asked.answers({"of": "z", "scale": "response"}).to_dict("records")
    assert (row["mean"], row["sd"]) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))


def test_a_truth_value_is_a_number_from_0_to_1():
    table = panel().assign(treated=lambda t: t["z"] > 0)
    asked = Asked(table, "y ~ treated + x + (treated | g)", n_draws=40)
    question = {"of": "treated", "scale": "response", "values": [0, 1]}
    (row,) = asked.answers(question).to_dict("records")
    effect = asked.draws["treated"][:, None] + asked.draws["treated|g"][:, _levels(table)]
    assert row["mean"] == pytest.approx(effect.mean(), rel=1e-9)
