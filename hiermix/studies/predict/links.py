"""Inverse link functions, as predictions evaluate them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hiermix.summary import links


def _logistic(eta: np.ndarray) -> np.ndarray:
    tail = np.exp(-np.abs(eta))
    return np.asarray(np.where(eta >= 0, 1.0, tail) / (1.0 + tail))


def _inverse_squared(eta: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / np.sqrt(eta))


INVERSE: Mapping[str, links.Curve] = {
    **links.INVERSE,
    "logit": _logistic,
    "inverse_squared": _inverse_squared,
}
"""Link -> its inverse; these two differ from `links.INVERSE` in the last bit of some numbers."""
