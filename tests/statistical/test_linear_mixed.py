"""Closed forms against numbers of R, and the size of the Wald test by simulation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart
from hiermix.model.linear_mixed import reml, wald, within

pytestmark = pytest.mark.statistical

ROOT = Path(__file__).resolve().parents[2]


def factor(name, codes):
    levels, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return Factor(name, (name,), tuple(str(level) for level in levels), index, counts)


def group(of, expression, values):
    return GroupTerm(f"{expression}|{of.name}", expression, of, (expression,), values[:, None])


def part(columns, terms=()):
    common = tuple(CommonTerm(n, (n,), np.asarray(v, float)[:, None]) for n, v in columns.items())
    return LinearPart("mu", True, common, tuple(terms))


def with_intercepts(table, columns, *factors):
    terms = [group(factor(name, table[name]), "1", np.ones(len(table))) for name in factors]
    return part({name: table[name] for name in columns}, terms)


def errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


@pytest.fixture(scope="module")
def grunfeld():
    table = pd.read_csv(ROOT / "tests" / "cases" / "grunfeld.csv")
    for name in ("value", "capital"):
        table[f"{name}_mean"] = table.groupby("firm")[name].transform("mean")
    return table


@pytest.fixture(scope="module")
def radon():
    table = pd.read_csv(ROOT / "examples" / "radon" / "radon.csv")
    table["floor_mean"] = table.groupby("county")["floor"].transform("mean")
    return table


def check(found, values, standard_errors, sds, sigma, rel=2e-6):
    """Estimates agree to ``rel`` standard errors, sds and standard errors to ``rel``.

    lme4 stops when the deviance changes by less than 1e-8 of itself or so, which leaves sds
    uncertain in the sixth digit.
    """
    assert found.converged
    np.testing.assert_allclose(errors(found), standard_errors, rtol=rel)
    assert np.abs((found.values - values) / standard_errors).max() < rel
    for name, sd in sds.items():
        np.testing.assert_allclose(found.group_sds[name], [sd], rtol=rel)
    assert found.residual_sd == pytest.approx(sigma, rel=rel)


def test_sleepstudy_with_independent_effects_as_in_lme4():
    """R 4.2.2, lme4 1.1-31, REML: Reaction ~ Days + (Days || Subject)."""
    table = pd.read_csv(ROOT / "examples" / "sleepstudy" / "sleepstudy.csv")
    days = table["Days"].to_numpy(float)
    subject = factor("Subject", table["Subject"])
    terms = [group(subject, "1", np.ones(len(days))), group(subject, "Days", days)]
    check(
        reml(part({"Days": days}, terms), table["Reaction"].to_numpy()),
        [251.405104848484, 10.4672859595964],
        [6.8853815071465, 1.55956599589159],
        {"1|Subject": 25.0513296399098, "Days|Subject": 5.98817182293685},
        25.5652851528222,
    )


def test_grunfeld_as_in_plm_and_lme4(grunfeld):
    """R 4.2.2, plm 2.6-2 (within), lme4 1.1-31 (REML)."""
    y = grunfeld["inv"].to_numpy()
    plain = with_intercepts(grunfeld, ["value", "capital"], "firm")
    fixed = within(plain, y, plain.factors)
    np.testing.assert_allclose(fixed.values, [0.110123804120718, 0.310065341300139], rtol=1e-11)
    np.testing.assert_allclose(errors(fixed), [0.0118566942140438, 0.0173545027755526], rtol=1e-11)
    assert fixed.residual_sd**2 == pytest.approx(2784.45823077793, rel=1e-11)
    check(
        reml(plain, y),
        [-57.8644244583148, 0.109789723999769, 0.308188114519493],
        [29.3777574444201, 0.0105267627841834, 0.0171712700825358],
        {"1|firm": 85.8311875952707},
        52.7392220382299,
    )
    means = ["value_mean", "capital_mean"]
    mundlak = reml(with_intercepts(grunfeld, ["value", "capital", *means], "firm"), y)
    check(
        mundlak,
        np.r_[
            -8.527113721698, 0.110123804120707, 0.310065341300146, 0.024522282851, -0.278033866969
        ],
        np.r_[
            47.51530763236, 0.0118566942150046, 0.0173545027769596, 0.031094736135, 0.191724859522
        ],
        {"1|firm": 84.2009505160349},
        52.7679659569083,
    )
    statistic, df, p = wald(mundlak, means)
    assert (statistic, df, p) == pytest.approx((2.1313662, 2, 0.3444924), rel=1e-6)


def test_grunfeld_with_firm_and_year_effects_as_in_plm(grunfeld):
    """plm's documented two-ways within fit (0.117716, 0.357916; SE 0.013751, 0.022719)."""
    model = with_intercepts(grunfeld, ["value", "capital"], "firm", "year")
    found = within(model, grunfeld["inv"].to_numpy(), model.factors)
    np.testing.assert_allclose(found.values, [0.117716, 0.357916], atol=5.1e-7)
    np.testing.assert_allclose(errors(found), [0.013751, 0.022719], atol=5.1e-7)


def test_radon_as_in_plm_and_lme4(radon):
    """R 4.2.2, plm 2.6-2 (within), lme4 1.1-31 (REML)."""
    y = radon["log_radon"].to_numpy()
    plain = with_intercepts(radon, ["floor"], "county")
    fixed = within(plain, y, plain.factors)
    assert fixed.values[0] == pytest.approx(-0.68922784788154, rel=1e-11)
    assert errors(fixed)[0] == pytest.approx(0.0706189701166794, rel=1e-11)
    assert fixed.residual_sd**2 == pytest.approx(0.527860757080385, rel=1e-11)
    check(
        reml(plain, y),
        [1.49239317405761, -0.662888725670425],
        [0.049553037123552, 0.067653337478808],
        {"1|county": 0.315408131506454},
        0.725779811715106,
    )
    mundlak = reml(with_intercepts(radon, ["floor", "floor_mean"], "county"), y)
    check(
        mundlak,
        [1.42790579945136, -0.68922784788153, 0.329492786072139],
        [0.0686078863657917, 0.0705709842615854, 0.247179413333565],
        {"1|county": 0.310326073381966},
        0.726046578449397,
    )
    statistic, df, p = wald(mundlak, ["floor_mean"])
    assert (statistic, df, p) == pytest.approx((1.7769173, 1, 0.1825283), rel=1e-6)


PENICILLIN = """
272326232321 272326232321 252125242420 262325232320 252226222320 242225232219 242023212219
262226242421 242124222220 242124232219 262326242421 252226242420 262426242522 262326232320
262325242422 252225232320 252124232320 252224232319 242123212119 262326242421 252124222218
252225222220 242124222419 242124222118
"""
"""Diameters (mm, two digits each) of six samples (columns) on 24 plates: Davies and Goldsmith
(1972), Statistical Methods in Research and Production, table 6.6, as in lme4."""


def test_crossed_factors_as_in_lme4():
    """Penicillin, REML: 22.97222 (SE 0.80860), sds 0.84670, 1.93161, sigma 0.54992.

    Printed by lme4 2.0.1, whose optimiser leaves its own fifth digit open here.
    """
    rows = [[int(row[i : i + 2]) for i in range(0, 12, 2)] for row in PENICILLIN.split()]
    plate, sample = np.indices((24, 6)).reshape(2, -1)
    table = pd.DataFrame({"diameter": np.ravel(rows), "plate": plate, "sample": sample})
    model = with_intercepts(table, [], "plate", "sample")
    found = reml(model, table["diameter"].to_numpy(float))
    assert found.values[0] == pytest.approx(22.97222222, abs=1e-8)
    assert errors(found)[0] == pytest.approx(0.80859, abs=3e-5)
    assert found.group_sds["1|plate"][0] == pytest.approx(0.84670, abs=5e-5)
    assert found.group_sds["1|sample"][0] == pytest.approx(1.93161, abs=6e-5)
    assert found.residual_sd == pytest.approx(0.54992, abs=6e-6)


PASTES = """
62.8 62.6 60.1 62.3 62.7 63.1 60.0 61.4 57.5 56.9 61.1 58.9 58.7 57.5 63.9 63.1 65.4 63.7 57.1 56.4
56.9 58.6 64.7 64.5 55.1 55.1 54.7 54.2 58.8 57.5 63.4 64.9 59.3 58.1 60.5 60.0 62.5 62.6 61.0 58.7
56.9 57.7 59.2 59.4 65.2 66.0 64.8 64.1 54.8 54.8 64.0 64.0 57.7 56.8 58.3 59.3 59.2 59.2 58.9 56.6
"""
"""Strength of a paste: 10 batches of three casks, two assays each; Davies and Goldsmith (1972),
table 6.5, as in lme4."""


def test_nested_factors_as_in_lme4():
    """Pastes, REML: sds 2.90408 (cask), 1.28736 (batch), sigma 0.82341, as lme4 prints them."""
    y = np.array(PASTES.split(), dtype=float)
    cask = np.arange(60) // 2
    table = pd.DataFrame({"batch": cask // 3, "cask": cask})
    found = reml(with_intercepts(table, [], "batch", "cask"), y)
    assert found.converged
    assert found.group_sds["1|cask"][0] == pytest.approx(2.90408, abs=2e-5)
    assert found.group_sds["1|batch"][0] == pytest.approx(1.28736, abs=3e-5)
    assert found.residual_sd == pytest.approx(0.82341, abs=6e-6)


BCG = np.array(
    [
        [4, 119, 11, 128, 44, 1948],
        [6, 300, 29, 274, 55, 1949],
        [3, 228, 11, 209, 42, 1960],
        [62, 13536, 248, 12619, 52, 1977],
        [33, 5036, 47, 5761, 13, 1973],
        [180, 1361, 372, 1079, 44, 1953],
        [8, 2537, 10, 619, 19, 1973],
        [505, 87886, 499, 87892, 13, 1980],
        [29, 7470, 45, 7232, 27, 1968],
        [17, 1699, 65, 1600, 42, 1961],
        [186, 50448, 141, 27197, 18, 1974],
        [5, 2493, 3, 2338, 33, 1969],
        [27, 16886, 29, 17825, 33, 1976],
    ],
    dtype=float,
)
"""Tuberculosis yes, no among vaccinated and controls, latitude, year: 13 trials of the BCG vaccine
(Colditz et al. 1994, doi:10.1001/jama.1994.03510330076038)."""


def test_known_variances_as_in_metafor():
    """Digits that metafor 4 prints for ``rma(yi, vi)`` and ``rma(yi, vi, mods = ~ ablat + year)``
    of log risk ratios of its data set ``dat.bcg``, REML."""
    a, b, c, d, latitude, year = BCG.T
    y = np.log(a / (a + b)) - np.log(c / (c + d))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    trials = [group(factor("trial", np.arange(13)), "1", np.ones(13))]
    pooled = reml(part({}, trials), y, known_variance=variance)
    assert pooled.group_sds["1|trial"][0] ** 2 == pytest.approx(0.3132, abs=5.1e-5)
    assert pooled.values[0] == pytest.approx(-0.7145, abs=5.1e-5)
    assert errors(pooled)[0] == pytest.approx(0.1798, abs=5.1e-5)
    moderated = reml(part({"ablat": latitude, "year": year}, trials), y, known_variance=variance)
    assert moderated.group_sds["1|trial"][0] ** 2 == pytest.approx(0.1108, abs=5.1e-5)
    np.testing.assert_allclose(moderated.values, [-3.5455, -0.0280, 0.0019], atol=2e-4)
    np.testing.assert_allclose(errors(moderated), [29.0959, 0.0102, 0.0147], atol=4e-4)
    statistic, df, p = wald(moderated, ["ablat", "year"])
    assert statistic == pytest.approx(12.2043, abs=2e-4)
    assert df == 2
    assert p == pytest.approx(0.0022, abs=5.1e-5)
