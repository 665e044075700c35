"""Predictions of fitted runs against closed forms on their own draws, and published numbers."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from run_support import ROOT, Silent, fitted

from hiermix import pipeline
from hiermix.artefacts import write_run
from hiermix.artefacts.prediction import open_posterior, read_design, read_means
from hiermix.cli.boundary import execute
from hiermix.data import merging
from hiermix.spec import load_spec

pytestmark = pytest.mark.statistical

SE = 4.0
"""Standard errors that a Monte Carlo estimate may be off."""


@pytest.fixture(scope="module")
def sleepstudy(tmp_path_factory):
    path = tmp_path_factory.mktemp("sleepstudy") / "run"
    write_run(fitted("sleepstudy", {}), path)
    return path


@pytest.fixture(scope="module")
def schools(tmp_path_factory):
    path = tmp_path_factory.mktemp("schools") / "run"
    priors = {"Intercept": "Normal(0, 20)", "1|school": "HalfNormal(10)"}
    write_run(fitted("eight_schools", priors), path)
    return path


def predicted(capsys, folder, run, new, *options):
    path = folder / "new.csv"
    pd.DataFrame(new).to_csv(path, index=False)
    assert execute(["predict", str(run), str(path), *options]) == 0
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


def draws_of(run, *names):
    _, design = read_design(run)
    with open_posterior(run, None) as posterior:
        return [posterior.draws(design.parameters[name]) for name in names]


DAYS = np.array([0.0, 4.0, 9.0])


def test_a_fitted_subject_has_its_own_line(sleepstudy, tmp_path, capsys):
    found = predicted(capsys, tmp_path, sleepstudy, {"Subject": [337] * 3, "Days": DAYS})
    a, b, u, v = draws_of(sleepstudy, "Intercept", "Days", "1|Subject", "Days|Subject")
    _, design = read_design(sleepstudy)
    at = design.factors["Subject"].levels.index(("337",))
    eta = (a + u[at]) + DAYS[:, None] * (b + v[at])
    assert np.allclose(found["mean"], eta.mean(axis=1), rtol=1e-12)
    assert np.allclose(found["sd"], eta.std(axis=1, ddof=1), rtol=1e-10)
    assert np.allclose(found["lower"], np.quantile(eta, 0.05, axis=1), rtol=1e-12)


def test_the_population_is_the_common_line(sleepstudy, tmp_path, capsys):
    new = {"Subject": ["new"] * 3, "Days": DAYS}
    found = predicted(capsys, tmp_path, sleepstudy, new, "--new-levels", "population")
    a, b = draws_of(sleepstudy, "Intercept", "Days")
    eta = a + DAYS[:, None] * b
    assert np.allclose(found["mean"], eta.mean(axis=1), rtol=1e-12)
    assert np.allclose(found["sd"], eta.std(axis=1, ddof=1), rtol=1e-10)


def test_a_new_subject_varies_as_subjects_do(sleepstudy, tmp_path, capsys):
    """Var = Var(population line) + E(t0^2 + 2 d rho t0 t1 + d^2 t1^2), with the same draws."""
    new = {"Subject": ["new"] * 3, "Days": DAYS}
    found = predicted(capsys, tmp_path, sleepstudy, new, "--new-levels", "draw")
    a, b, t0, t1, rho = draws_of(
        sleepstudy, "Intercept", "Days", "1|Subject_sigma", "Days|Subject_sigma", "cor|Subject"
    )
    line = a + DAYS[:, None] * b
    d = DAYS[:, None]
    between = t0**2 + 2 * d * rho * t0 * t1 + d**2 * t1**2
    closed = np.sqrt(line.var(axis=1) + between.mean(axis=1))
    # The kurtosis of a scale mixture of normals: 3 E(v^2) / E(v)^2.
    v = line.var(axis=1)[:, None] + between
    kurtosis = 3 * (v**2).mean(axis=1) / v.mean(axis=1) ** 2
    relative = np.sqrt((kurtosis - 1) / (4 * len(a)))
    assert (np.abs(found["sd"] / closed - 1) <= SE * relative).all()


def test_a_new_observation_adds_the_residual(sleepstudy, tmp_path, capsys):
    new = {"Subject": [337] * 500, "Days": [4] * 500}
    found = predicted(capsys, tmp_path, sleepstudy, new, "--kind", "response")
    a, b, u, v, sigma = draws_of(
        sleepstudy, "Intercept", "Days", "1|Subject", "Days|Subject", "sigma"
    )
    _, design = read_design(sleepstudy)
    at = design.factors["Subject"].levels.index(("337",))
    eta = a + u[at] + 4 * (b + v[at])
    closed = np.sqrt(eta.var() + (sigma**2).mean())
    assert abs(found["sd"].mean() / closed - 1) <= SE / np.sqrt(2 * 500 * len(a)) + 1 / len(a)
    assert abs(found["mean"].mean() - eta.mean()) <= SE * closed / np.sqrt(500 * len(a))


def test_predictions_agree_with_those_of_the_model_that_bambi_built(sleepstudy, tmp_path, capsys):
    """The run's predictive draws come from PyMC's graph, not from the stored design."""
    data = pd.read_csv(ROOT / "examples" / "sleepstudy" / "sleepstudy.csv")
    expected = predicted(capsys, tmp_path, sleepstudy, data)
    new = predicted(capsys, tmp_path, sleepstudy, data, "--kind", "response")
    path = sleepstudy / "posterior.nc"
    with xr.open_dataset(path, group="posterior_predictive", engine="h5netcdf") as stored:
        draws = stored["Reaction"].to_numpy().reshape(-1, len(data))
    n = len(draws)
    z = (draws.mean(axis=0) - expected["mean"]) / (draws.std(axis=0) / np.sqrt(n))
    # Draws are shared by the rows, so that their errors go together: SE for each of 180 rows.
    assert (np.abs(z) <= SE + 1).all()
    assert abs(z.std() - 1) < 0.25
    ratio = new["sd"] / draws.std(axis=0, ddof=1)
    assert abs(ratio.mean() - 1) <= SE / np.sqrt(2 * n)


def test_a_new_school_has_the_published_sd(schools, tmp_path, capsys):
    """Sd 7.58 of the effect of a new school: quadrature under the same priors."""
    new = {"school": [f"new {i}" for i in range(200)]}
    found = predicted(capsys, tmp_path, schools, new, "--new-levels", "draw")
    mu, tau = draws_of(schools, "Intercept", "1|school_sigma")
    variance = mu.var() + (tau**2).mean()
    assert abs(np.sqrt((found["sd"] ** 2).mean()) / np.sqrt(variance) - 1) < 0.01
    # Monte Carlo error of Var(mu) + E(tau^2), with effective draws as many as draws at best half.
    se = np.sqrt((((mu - mu.mean()) ** 2 + tau**2).var()) / (len(mu) / 2))
    assert abs((found["sd"] ** 2).mean() - 7.58**2) <= SE * se


def test_a_fitted_school_has_the_published_effect(schools, tmp_path, capsys):
    found = predicted(capsys, tmp_path, schools, {"school": list("ABCDEFGH")})
    theta = np.array([9.81, 7.55, 6.36, 7.37, 5.53, 6.30, 9.55, 7.84])
    n = len(draws_of(schools, "Intercept")[0])
    assert (np.abs(found["mean"] - theta) <= SE * found["sd"] / np.sqrt(n / 2) + 0.005).all()


def test_a_new_observation_of_a_school_has_its_known_error(schools, tmp_path, capsys):
    data = pd.read_csv(ROOT / "examples" / "eight_schools" / "eight_schools.csv")
    expected = predicted(capsys, tmp_path, schools, data[["school"]])
    found = predicted(capsys, tmp_path, schools, data[["school", "se"]], "--kind", "response")
    closed = np.sqrt(expected["sd"] ** 2 + data["se"] ** 2)
    n = len(draws_of(schools, "Intercept")[0])
    assert (np.abs(found["sd"] / closed - 1) <= SE / np.sqrt(2 * n) + 0.01).all()


def test_correlations_are_kept_in_joint_draws_of_a_new_level():
    """Two rows of one new subject: the covariance is t0^2 + (d1 + d2) rho t0 t1 + d1 d2 t1^2."""
    from hiermix.studies.predict.new_levels import NewEffects

    rng = np.random.default_rng(2)
    n = 100_000
    t0, t1 = np.abs(rng.normal(25, 5, n)), np.abs(rng.normal(6, 1, n))
    rho = np.tanh(rng.normal(-0.8, 0.2, n))
    (u,) = NewEffects(1, "mu|g", [np.stack([t0, t1])[:, None]], [rho[None, None]]).of(("new",))
    at = u[0, 0] + np.array([[0.0], [9.0]]) * u[1, 0]
    closed = (t0**2 + 9 * rho * t0 * t1).mean()
    product = at[0] * at[1]
    assert abs(product.mean() - closed) <= SE * product.std() / np.sqrt(n)


def run_of(folder, table, formula, **model):
    table.to_csv(folder / "data.csv", index=False)
    document = {
        "name": "made",
        "data": {"path": "data.csv"},
        "model": {"formula": formula, **model},
        "fit": {"draws": 500, "chains": 4, "seed": 1, "engine": "exact"},
        "gates": {"policy": "explore"},
        "outputs": {"report": False},
    }
    loaded = load_spec(json.dumps(document), "spec.yaml")
    result = pipeline.fit(pipeline.prepare(loaded, folder, Silent()), Silent())
    write_run(result, folder / "run")
    return result, folder / "run"


def test_rows_that_were_merged_while_they_were_read_are_predicted_one_by_one(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(merging, "MERGED_FROM", 0)
    rng = np.random.default_rng(3)
    g, arm = rng.integers(0, 6, 900), rng.choice(["a", "b"], 900)
    y = rng.normal(0, 0.5, 6)[g] + (arm == "b") + rng.normal(0, 1, 900)
    table = pd.DataFrame({"y": y, "arm": arm, "g": [f"g{i}" for i in g]})
    result, run = run_of(tmp_path, table, "y ~ arm + (1 | g)")
    assert result.prepared.design.n_obs == 12
    found = predicted(capsys, tmp_path, run, table[["arm", "g"]])
    a, b, u = draws_of(run, "Intercept", "arm", "1|g")
    eta = a + np.outer(arm == "b", b[0] if b.ndim > 1 else b) + u[g]
    assert len(found) == 900
    assert np.allclose(found["mean"], eta.mean(axis=1), rtol=1e-10)


def test_columns_that_change_their_type_keep_their_meaning(tmp_path, capsys):
    """A year that is an integer column in the fit and has a decimal point in the new data."""
    rng = np.random.default_rng(4)
    year = rng.integers(2001, 2007, 120)
    table = pd.DataFrame({"y": rng.normal(0, 1, 120) + year - 2003, "year": year})
    _, run = run_of(tmp_path, table, "y ~ year + (1 | year)")
    new = {"year": [2002, 2005]}
    whole = predicted(capsys, tmp_path, run, new)
    pd.DataFrame({"year": [2002.0, 2005.0]}).to_parquet(tmp_path / "new.parquet")
    assert execute(["predict", str(run), str(tmp_path / "new.parquet")]) == 0
    other = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert (whole["mean"] == other["mean"]).all()


def test_level_means_of_a_fitted_market_are_used(tmp_path, capsys):
    result = fitted("market_panel", {})
    run = tmp_path / "run"
    write_run(result, run)
    data = pd.read_csv(ROOT / "examples" / "market_panel" / "panel.csv")
    found = predicted(capsys, tmp_path, run, data.drop(columns="kpi_value"))
    design = result.prepared.plan.design
    names = [term.name for term in design.main.common]
    intercept, *common = draws_of(run, "Intercept", *names)
    eta = intercept + design.main.common_matrix @ np.concatenate(
        [np.atleast_2d(draws) for draws in common]
    )
    for term, draws in zip(
        design.main.group, draws_of(run, *(t.name for t in design.main.group)), strict=True
    ):
        eta = eta + draws[term.factor.index] * term.values
    assert len(read_means(run)) == 1
    assert np.allclose(found["mean"], eta.mean(axis=1), rtol=1e-10)
    assert np.allclose(found["sd"], eta.std(axis=1, ddof=1), rtol=1e-8)
