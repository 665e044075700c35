"""Inverse link functions and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

type Curve = Callable[[np.ndarray], np.ndarray]

ALIKE = -40.0
"""Below, log(1 - exp(-exp(eta))) is eta to the last digit."""


# SciPy takes longer than commands that read a finished run may last.
def _logit(eta: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(eta))


def _logit_slope(eta: np.ndarray) -> np.ndarray:
    return np.asarray(_logit(eta) * _logit(-eta))


def _probit(eta: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(eta))


INVERSE: Mapping[str, Curve] = {
    "identity": np.asarray,
    "log": np.exp,
    "logit": _logit,
    "probit": _probit,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "inverse": np.reciprocal,
    "inverse_squared": lambda eta: eta**-0.5,
}
"""Link -> its inverse, elementwise; ``softmax`` needs all categories at once."""

SLOPES: Mapping[str, Curve] = {
    "identity": np.ones_like,
    "log": np.exp,
    "logit": _logit_slope,
    "probit": lambda eta: np.asarray(np.exp(-np.square(eta) / 2) / np.sqrt(2 * np.pi)),
    "cloglog": lambda eta: np.asarray(np.exp(eta - np.exp(eta))),
    "inverse": lambda eta: -1 / np.square(eta),
    "inverse_squared": lambda eta: -0.5 * eta**-1.5,
}
"""Link -> derivative of its inverse."""


def log_chances(link: str, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logs of a probability and of its complement, in the shape of ``eta``.

    Both are finite for predictors at which the probability itself rounds to 0 or 1, but for links
    that reach these. Both are -inf where a link makes no probability: ``identity`` beyond 1.
    """
    from scipy.special import log_expit, log_ndtr

    if link == "logit":
        return log_expit(eta), log_expit(-eta)
    if link == "probit":
        return log_ndtr(eta), log_ndtr(-eta)
    if link == "cloglog":
        rate = np.exp(eta)
        # Each form is exact on its side; the other may be -inf there.
        with np.errstate(divide="ignore"):
            hit = np.where(rate < 0.7, np.log(-np.expm1(-rate)), np.log1p(-np.exp(-rate)))
        return np.where(eta < ALIKE, eta, hit), -rate
    chance = INVERSE[link](eta)
    impossible = (chance < 0) | (chance > 1)
    with np.errstate(divide="ignore"):
        hit = np.log(np.where(impossible, 0.0, chance))
        return hit, np.log1p(np.where(impossible, -1.0, -chance))
