"""Inverse link functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

type Curve = Callable[[np.ndarray], np.ndarray]


# SciPy takes longer than commands that read a finished run may last.
def _logit(eta: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(eta))


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
