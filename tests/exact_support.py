"""The Gaussian models of the exact engine, and their dense algebra."""

from dataclasses import dataclass, replace

import numpy as np
from model_support import panel, plan_of
from scipy import stats

from hiermix.engines.bambi_model import build_model
from hiermix.engines.exact.marginal import Marginal
from hiermix.engines.exact.moments import reduce_rows
from hiermix.engines.exact.parameters import Parameters
from hiermix.engines.exact.statement import Statement, read_statement

MODELS = {
    "no group": ("y ~ x", {}),
    "intercepts": ("y ~ x + (1 | g)", {}),
    "slopes": ("y ~ x + f + (x + z || g)", {}),
    "correlated": ("y ~ x + f + (x + z | g)", {}),
    "factor slopes": ("y ~ f + (f | g)", {}),
    "two bars": ("y ~ x + (x | g) + (0 + f | g)", {}),
    "no intercept": ("y ~ 0 + x + (0 + x | g) + (1 | h)", {}),
    "crossed": ("y ~ x + (x | g) + (z | h) + (1 | sub)", {}),
    "nested": ("y ~ x + (x | g) + (1 | sub)", {}),
    "nothing common": ("y ~ 0 + (1 | g)", {}),
    "known errors": ("y ~ x + (x | g)", {"known_se": "se"}),
    "weights": ("weighted(y, w) ~ x + (1 | g) + (1 | h)", {}),
    "fixed sigma": ("y ~ x + (1 | g)", {"priors": {"sigma": 0.7}}),
    "everything fixed": ("y ~ x", {"priors": {"sigma": 0.7}}),
    "far from the prior": ("y ~ x + (1 | g)", {"priors": {"Intercept": "Normal(1000, 50)"}}),
    "tight priors": (
        "y ~ x + offset(z) + (x | g)",
        {
            "priors": {
                "x": "Normal(3, 0.01)",
                "1|g": "Uniform(0.5, 2)",
                "x|g": "InverseGamma(3, 1)",
                "sigma": "TruncatedNormal(mu=1, sigma=0.5, lower=0.2)",
                "cor|g": "LKJ(5)",
            }
        },
    ),
}


def statement_of(plan) -> Statement:
    plain = replace(plan, centring=())
    return read_statement(plain, build_model(plain))


def statement(name) -> Statement:
    formula, options = MODELS[name]
    return statement_of(plan_of(panel(), formula, **options))


def marginal_of(stated, threads=1) -> Marginal:
    return Marginal(Parameters.of(stated), reduce_rows(stated), threads)


@dataclass(frozen=True)
class Dense:
    """All coefficients and effects as one vector c: y ~ N(A c, diag(noise)), c ~ N(mean, prior)."""

    columns: np.ndarray
    mean: np.ndarray
    prior: np.ndarray
    noise: np.ndarray
    sizes: list[int]

    def log_likelihood(self, y) -> float:
        covariance = self.columns @ self.prior @ self.columns.T + np.diag(self.noise)
        return stats.multivariate_normal(self.columns @ self.mean, covariance).logpdf(y)

    def posterior(self, y) -> tuple[np.ndarray, np.ndarray]:
        covariance = self.columns @ self.prior @ self.columns.T + np.diag(self.noise)
        gain = np.linalg.solve(covariance, self.columns @ self.prior).T
        mean = self.mean + gain @ (y - self.columns @ self.mean)
        return mean, self.prior - gain @ self.columns @ self.prior


def dense(stated, values, at) -> Dense:
    """Write the model out at one point of the variance parameters."""
    n = len(stated.y)
    columns = [stated.coefficients.values]
    prior = [np.diag(stated.coefficients.sd**2)]
    for effects, lower in zip(stated.factors, values.lower, strict=True):
        g, q = effects.factor.n_groups, effects.values.shape[1]
        z = np.zeros((n, g, q))
        z[np.arange(n), effects.factor.index] = effects.values
        columns.append(z.reshape(n, g * q))
        prior.append(np.kron(np.eye(g), lower[at] @ lower[at].T))
    sizes = [block.shape[1] for block in columns]
    whole = np.zeros((sum(sizes), sum(sizes)))
    for end, block in zip(np.cumsum(sizes), prior, strict=True):
        whole[end - len(block) : end, end - len(block) : end] = block
    mean = np.concatenate([stated.coefficients.mean, np.zeros(sum(sizes[1:]))])
    noise = values.sigma[at] ** 2 / stated.weight
    return Dense(np.hstack(columns), mean, whole, noise, sizes)


def random_points(parameters, count=5, seed=0) -> np.ndarray:
    """Draw points of the variance parameters near 1 and without any pattern."""
    return np.random.default_rng(seed).normal(-0.3, 0.5, size=(count, parameters.size))
