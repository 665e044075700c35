"""The nuts engine against closed forms, and its promise of equal draws for equal seeds."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.engines import FitRequest
from hiermix.engines.nuts import NutsEngine

MCSE_UNITS = 4.0  # two-sided false alarm 6e-5 per comparison

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


class Silent:
    def stage(self, name):
        pass

    def progress(self, chains):
        pass


def sample(plan, **changes):
    settings = {"draws": 1000, "tune": 1000, "chains": 4, "seed": 3, "cores": 2} | changes
    return NutsEngine().open(plan, Silent()).sample(FitRequest(**settings))


def within_monte_carlo_error(draws, mean, sd):
    """Compare mean and sd of draws with exact numbers in units of their MCSE."""
    values = np.asarray(draws)
    mcse_mean = float(az.mcse(values, method="mean"))
    mcse_sd = float(az.mcse(values, method="sd"))
    assert abs(values.mean() - mean) <= MCSE_UNITS * mcse_mean
    assert abs(values.std() - sd) <= MCSE_UNITS * mcse_sd


def test_a_conjugate_normal_mean_has_its_closed_form():
    rng = np.random.default_rng(4)
    se = rng.uniform(0.5, 2.0, size=12)
    table = pd.DataFrame({"y": rng.normal(1.0, se), "se": se})
    plan = plan_of(table, "y ~ 1", known_se="se", priors={"Intercept": "Normal(0, 0.7)"})
    draws = sample(plan).tree["posterior"]["Intercept"]
    precision = 1 / 0.7**2 + np.sum(1 / se**2)
    within_monte_carlo_error(draws, np.sum(table["y"] / se**2) / precision, precision**-0.5)


def test_eight_schools_have_their_quadrature_moments():
    """mu ~ N(0, 20), tau ~ HalfNormal(10): integrated over tau on a fine grid."""
    y = np.array([28, 8, -3, 7, -1, 1, 18, 12.0])
    se = np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    table = pd.DataFrame({"y": y, "se": se, "school": list("ABCDEFGH")})
    plan = plan_of(
        table,
        "y ~ 1 + (1 | school)",
        known_se="se",
        priors={"Intercept": "Normal(0, 20)", "1|school": "HalfNormal(10)"},
    )
    posterior = sample(plan, draws=2000).tree["posterior"]
    tau = np.linspace(1e-4, 80, 40_000)
    variance = tau[:, None] ** 2 + se**2
    precision = 1 / 20**2 + (1 / variance).sum(axis=1)
    mean = (y / variance).sum(axis=1) / precision
    log_weight = (
        -0.5 * np.log(variance).sum(axis=1)
        - 0.5 * np.log(precision)
        - 0.5 * ((y**2 / variance).sum(axis=1) - precision * mean**2)
        - 0.5 * (tau / 10) ** 2
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mu_mean = weight @ mean
    mu_sd = np.sqrt(weight @ (1 / precision + mean**2) - mu_mean**2)
    tau_mean = weight @ tau
    tau_sd = np.sqrt(weight @ tau**2 - tau_mean**2)
    assert mu_mean == pytest.approx(7.453, abs=5e-3)  # published for these priors
    assert tau_mean == pytest.approx(4.805, abs=5e-3)
    within_monte_carlo_error(posterior["Intercept"], mu_mean, mu_sd)
    within_monte_carlo_error(posterior["1|school_sigma"], tau_mean, tau_sd)


def test_pymcs_own_sampler_agrees_with_nutpie():
    plan = plan_of(panel(), "y ~ x + (1 | g)")
    ours = sample(plan).tree["posterior"]
    theirs = sample(plan, sampler="pymc", chains=2).tree["posterior"]
    for name in ("Intercept", "x", "sigma"):
        difference = float(ours[name].mean() - theirs[name].mean())
        error = np.hypot(float(az.mcse(ours[name].values)), float(az.mcse(theirs[name].values)))
        assert abs(difference) <= MCSE_UNITS * error


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from model_support import panel, plan_of
from hiermix.engines import FitRequest
from hiermix.engines.nuts import NutsEngine

class Silent:
    def stage(self, name): pass
    def progress(self, chains): pass

plan = plan_of(panel(), "y ~ x + (x | g)")
request = FitRequest(draws=200, tune=300, chains={chains}, seed=7, cores={cores})
posterior = NutsEngine().open(plan, Silent()).sample(request).tree["posterior"]
digest = hashlib.sha256()
for name in sorted(map(str, posterior.data_vars)):
    digest.update(posterior[name].values[:2].tobytes())
print(digest.hexdigest())
"""


def test_draws_are_equal_for_cold_and_warm_caches_any_cores_and_more_chains(tmp_path):
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'cache'}"}
    digests = set()
    for cores, chains in ((2, 2), (1, 3)):
        script = SCRIPT.format(tests=tests, cores=cores, chains=chains)
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip().splitlines()[-1])
    assert len(digests) == 1
    assert len(digests.pop()) == len(hashlib.sha256().hexdigest())


def test_an_interrupted_run_goes_on_with_the_chains_that_were_kept(tmp_path):
    plan = plan_of(panel(), "y ~ x + (1 | g)")
    short = {"draws": 150, "tune": 200, "chains": 2, "cores": 1, "seed": 5}
    whole = sample(plan, **short).tree["posterior"]["x"].values

    class Impatient(Silent):
        def progress(self, chains):
            if chains[0].finished == chains[0].total:
                raise KeyboardInterrupt

    store = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        NutsEngine().open(plan, Impatient()).sample(FitRequest(**short, chain_store=store))
    assert (store / "chain-0.npz").is_file()
    kept = (store / "chain-0.npz").stat().st_mtime_ns
    resumed = NutsEngine().open(plan, Silent()).sample(FitRequest(**short, chain_store=store))
    np.testing.assert_array_equal(resumed.tree["posterior"]["x"].values, whole)
    assert (store / "chain-0.npz").stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    ("formula", "options", "sampler", "size"),
    [
        ("y ~ x + f + (x + f | g)", {}, "nutpie", 4),
        ("y ~ x + (x | g)", {}, "pymc", 2),
        ("y ~ x + z + (x + z | g)", {"parameterization": {"x|g": "centered"}}, "nutpie", 3),
    ],
)
def test_where_data_say_nothing_correlations_have_their_prior(formula, options, sampler, size):
    """Each of k correlated effects: LKJ(eta) has mean 0 and variance 1 / (2 eta + k - 1)."""
    table = panel(seed=2).assign(se=1e4)
    eta = 1.5
    priors = {"1|g": "HalfNormal(1)", "x|g": "HalfNormal(1)", "cor|g": f"LKJ({eta})"}
    plan = plan_of(table, formula, known_se="se", priors=priors, **options)
    draws = sample(plan, sampler=sampler).tree["posterior"]["cor|g"]
    assert draws.sizes["g__cor_dim"] == size * (size - 1) // 2
    for pair in draws.coords["g__cor_dim"].values:
        own = draws.sel(g__cor_dim=pair)
        within_monte_carlo_error(own, 0.0, (2 * eta + size - 1) ** -0.5)


def test_every_category_of_a_response_has_correlations_of_its_own():
    plan = plan_of(panel(), "grade ~ x + (x | g)", family="categorical")
    posterior = sample(plan, draws=200, tune=200, chains=2).tree["posterior"]
    draws = posterior["cor|g"]
    assert draws.dims[2:] == ("g__cor_dim", "grade_dim")
    assert draws.shape[2:] == (1, 2)
    first, second = draws.values[:, :, 0, 0], draws.values[:, :, 0, 1]
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


def test_a_component_has_correlations_under_its_own_name():
    components = {"sigma": "~ z + (z | g)"}
    plan = plan_of(panel(), "y ~ x + (x | g)", components=components)
    posterior = sample(plan, draws=200, tune=200, chains=2).tree["posterior"]
    assert posterior["cor|g"].coords["g__cor_dim"].values.tolist() == ["1, x"]
    assert posterior["sigma_cor|g"].coords["sigma_g__cor_dim"].values.tolist() == ["1, z"]
    assert (np.abs(posterior["sigma_cor|g"]) < 1).all()
