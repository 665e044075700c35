"""Inverse link functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np


def _logistic(eta: np.ndarray) -> np.ndarray:
    tail = np.exp(-np.abs(eta))
    return np.asarray(np.where(eta >= 0, 1.0, tail) / (1.0 + tail))


def _probit(eta: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(eta))


def _inverse_squared(eta: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / np.sqrt(eta))


INVERSE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "inverse": lambda eta: 1.0 / eta,
    "inverse_squared": _inverse_squared,
    "logit": _logistic,
    "probit": _probit,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
}
"""Link -> its inverse, elementwise; ``softmax`` needs all categories and is in ``categories``."""
