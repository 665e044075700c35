"""Posteriors of levels with known standard errors, by quadrature: no Monte Carlo error.

y_j ~ N(theta_j, se_j^2), theta_j ~ N(mu, tau^2), mu ~ N(0, sd_mu^2), tau from its own prior: given
tau all is normal (Gelman et al. 2013, Bayesian Data Analysis, section 5.4), and tau is one number.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class KnownSd:
    """``prior`` is the scipy distribution of tau."""

    y: np.ndarray
    se: np.ndarray
    sd_mu: float
    prior: object

    @cached_property
    def taus(self):
        """Points at equal probabilities of the prior, and the probability of each given y."""
        tau = self.prior.ppf((np.arange(4000) + 0.5) / 4000)
        cov = self._prior(tau, len(self.y)) + np.diag(self.se**2)
        squared = np.linalg.solve(cov, self.y[:, None])[..., 0] @ self.y
        log = -0.5 * (squared + np.linalg.slogdet(cov)[1])
        weight = np.exp(log - log.max())
        return tau, weight / weight.sum()

    def _prior(self, tau, size):
        return self.sd_mu**2 + tau[:, None, None] ** 2 * np.eye(size)

    @cached_property
    def moments(self):
        """Mean and sd of every level and of a new one, given each tau: shape (taus, levels + 1)."""
        prior = self._prior(self.taus[0], len(self.y) + 1)
        seen = prior[:, :-1]
        solved = np.linalg.solve(seen[:, :, :-1] + np.diag(self.se**2), seen)
        means = np.swapaxes(solved, 1, 2) @ self.y
        variances = np.einsum("tjj->tj", prior) - np.einsum("tij,tij->tj", seen, solved)
        return means, np.sqrt(variances)

    @property
    def mean(self):
        """Posterior means of the levels and of a new one."""
        return self.taus[1] @ self.moments[0]

    @property
    def sd(self):
        means, sds = self.moments
        return np.sqrt(self.taus[1] @ (means**2 + sds**2) - self.mean**2)

    def above(self, threshold):
        """Probability of each level, and of a new one, to be above a threshold."""
        means, sds = self.moments
        return self.taus[1] @ stats.norm.sf((threshold - means) / sds)

    @property
    def weight(self):
        """Pooling weights (1 / se^2) / (1 / se^2 + 1 / tau^2), averaged over tau given y."""
        tau, chance = self.taus
        return chance @ (tau[:, None] ** 2 / (tau[:, None] ** 2 + self.se**2))

    @property
    def elpd(self):
        """Log densities of each y given the others, summed: leave-one-out without sampling."""
        total = 0.0
        for i in range(len(self.y)):
            rest = KnownSd(np.delete(self.y, i), np.delete(self.se, i), self.sd_mu, self.prior)
            means, sds = (m[:, -1] for m in rest.moments)
            density = stats.norm.pdf(self.y[i], means, np.sqrt(sds**2 + self.se[i] ** 2))
            total += np.log(rest.taus[1] @ density)
        return total
