"""Posteriors of models with one factor, for many data sets at once and without an engine."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from model_support import plan_of

from hiermix.engines.base import Fit, FitRequest

TAU_SCALE = 1.0
MU_SD = 2.0


def fit_of(plan, draws, *, seed=1, **groups) -> Fit:
    """Make a fit of draws by printed name, shape ``(n_draws, ...)``: one chain."""
    variables = {}
    for parameter in plan.parameters:
        if parameter.name in draws:
            dims = ("chain", "draw", *(name for name, _ in parameter.dims))
            variables[parameter.name] = (dims, np.asarray(draws[parameter.name])[None])
    n = len(next(iter(draws.values())))
    coords = {"chain": [0], "draw": np.arange(n)}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords), **groups})
    request = FitRequest(draws=n, tune=0, chains=1, seed=seed, cores=1)
    return Fit(tree, "test", "test", request)


@dataclass(frozen=True)
class Study:
    """Data sets ``y`` ``(S, n)`` of rows in levels, and draws of their posteriors ``(S, D, ...)``.

    The model is y ~ 1 + (1 | g): ``mu``, ``tau``, ``u`` ``(S, D, G)``, and ``sigma`` if gaussian.
    """

    family: str
    index: np.ndarray
    trials: np.ndarray | None
    y: np.ndarray
    mu: np.ndarray
    tau: np.ndarray
    u: np.ndarray
    sigma: np.ndarray | None

    def fits(self):
        """Yield plan and fit of every data set."""
        for s in range(len(self.y)):
            yield self.fit(s)

    def fit(self, s):
        table = pd.DataFrame({"y": self.y[s], "g": [f"g{i:03d}" for i in self.index]})
        formula = "y ~ 1 + (1 | g)"
        if self.trials is not None:
            table["n"], formula = self.trials, "p(y, n) ~ 1 + (1 | g)"
        plan = plan_of(table, formula, family=self.family)
        draws = {"Intercept": self.mu[s], "1|g_sigma": self.tau[s], "1|g": self.u[s]}
        if self.sigma is not None:
            draws["sigma"] = self.sigma[s]
        return plan, fit_of(plan, draws, seed=s)


def log_density(family, y, eta, sigma, trials):
    if family == "gaussian":
        return -np.square((y - eta) / sigma) / 2 - np.log(sigma)
    if family == "poisson":
        return y * eta - np.exp(eta)
    n = 1 if trials is None else trials
    return y * eta - n * np.logaddexp(0, eta)


def studied(
    family, y, index, trials=None, *, draws=200, tune=1000, thin=10, seed=0, tau_scale=TAU_SCALE
) -> Study:
    """Sample y ~ 1 + (1 | g) by random-walk Metropolis, all data sets side by side.

    Priors: mu ~ Normal(0, `MU_SD`), tau ~ HalfNormal(tau_scale), sigma ~ HalfNormal(3).
    """
    rng = np.random.default_rng([seed, 77])
    size, groups = len(y), index.max() + 1
    onehot = np.eye(groups)[index]
    # The sampler moves the levels' own coefficients b = mu + u; tau and mu given those.
    b, mu = np.zeros((size, groups)), np.zeros((size, 1))
    log_tau, log_sigma = np.full((size, 1), -0.5), np.zeros((size, 1))
    steps = {"b": np.full((size, groups), 0.3), "tau": np.full((size, 1), 0.4)}
    steps["sigma"] = np.full((size, 1), 0.1)

    def levels(b, log_sigma):
        row = log_density(family, y, b[:, index], np.exp(log_sigma), trials)
        return row @ onehot

    def prior_tau(log_tau):
        spread = np.square(b - mu).sum(1, keepdims=True)
        tau = np.exp(log_tau)
        return -groups * log_tau - spread / (2 * tau**2) - np.square(tau / tau_scale) / 2 + log_tau

    kept = {"mu": [], "tau": [], "u": [], "sigma": []}
    for t in range(tune + draws * thin):
        tau = np.exp(log_tau)
        own = levels(b, log_sigma) - np.square((b - mu) / tau) / 2
        new = b + steps["b"] * rng.standard_normal(b.shape)
        other = levels(new, log_sigma) - np.square((new - mu) / tau) / 2
        yes = np.log(rng.random(b.shape)) < other - own
        b = np.where(yes, new, b)
        precision = groups / tau**2 + 1 / MU_SD**2
        mu = b.sum(1, keepdims=True) / tau**2 / precision
        mu = mu + rng.standard_normal(mu.shape) / np.sqrt(precision)
        new_tau = log_tau + steps["tau"] * rng.standard_normal(log_tau.shape)
        ok = np.log(rng.random(log_tau.shape)) < prior_tau(new_tau) - prior_tau(log_tau)
        log_tau = np.where(ok, new_tau, log_tau)
        if family == "gaussian":
            new_s = log_sigma + steps["sigma"] * rng.standard_normal(log_sigma.shape)
            gain = (levels(b, new_s) - levels(b, log_sigma)).sum(1, keepdims=True)
            gain += new_s - log_sigma - (np.exp(2 * new_s) - np.exp(2 * log_sigma)) / 18
            good = np.log(rng.random(log_sigma.shape)) < gain
            log_sigma = np.where(good, new_s, log_sigma)
        if t < tune:
            rate = 0.05
            steps["b"] *= np.exp(rate * (yes - 0.4))
            steps["tau"] *= np.exp(rate * (ok - 0.4))
            if family == "gaussian":
                steps["sigma"] *= np.exp(rate * (good - 0.4))
        elif (t - tune) % thin == thin - 1:
            kept["mu"].append(mu[:, 0])
            kept["tau"].append(np.exp(log_tau[:, 0]))
            kept["u"].append(b - mu)
            kept["sigma"].append(np.exp(log_sigma[:, 0]))
    found = {name: np.stack(values, axis=1) for name, values in kept.items()}
    if family != "gaussian":
        found["sigma"] = None
    return Study(family, index, trials, y, **found)


def simulated(family, size, groups, rows, *, seed=0, trials=None, centre=0.5, tau=0.6):
    """Draw ``(S, n)`` outcomes of the right model: normal levels, sigma 1; and the rows' levels."""
    rng = np.random.default_rng([seed, groups])
    index = np.repeat(np.arange(groups), rng.integers(max(1, rows // 2), 2 * rows, size=groups))
    spread = np.exp(rng.uniform(np.log(tau / 2), np.log(tau * 2), size=(size, 1)))
    eta = (centre + spread * rng.standard_normal((size, groups)))[:, index]
    if family == "gaussian":
        return eta + rng.standard_normal(eta.shape), index
    if family == "poisson":
        return rng.poisson(np.exp(eta)).astype(float), index
    n = 1 if trials is None else trials
    return rng.binomial(n, 1 / (1 + np.exp(-eta))).astype(float), index
