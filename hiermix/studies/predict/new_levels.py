"""Draws of the effects of levels that were not fitted, from the distribution of the levels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

Key = tuple[str, ...]


def cholesky(correlations: np.ndarray) -> np.ndarray:
    """Return lower triangular roots of correlation matrices, also of singular ones.

    Parameters
    ----------
    correlations
        Shape ``(n, k, k)``.

    Examples
    --------
    >>> cholesky(np.array([[[1.0, -1.0], [-1.0, 1.0]]]))[0].tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    root = np.zeros_like(correlations)
    for j in range(correlations.shape[1]):
        left = correlations[:, j:, j] - np.einsum("nik,nk->ni", root[:, j:, :j], root[:, j, :j])
        pivot = np.sqrt(np.maximum(left[:, 0], 0.0))
        # Rounding leaves a little of a direction that is determined by those before.
        free = pivot > 1e-8
        root[:, j:, j] = np.where(free[:, None], left / np.where(free, pivot, 1.0)[:, None], 0.0)
    return root


def correlation_matrices(pairs: np.ndarray, size: int) -> np.ndarray:
    """Return matrices from their entries ``(0, 1), (0, 2), (1, 2), ...``.

    Parameters
    ----------
    pairs
        Shape ``(n_pairs, n)``.
    size
        Effects of one level.

    Returns
    -------
    numpy.ndarray
        Shape ``(n, size, size)``.
    """
    matrices = np.tile(np.eye(size), (pairs.shape[1], 1, 1))
    places = [(m, i) for i in range(size) for m in range(i)]
    for (a, b), values in zip(places, pairs, strict=True):
        matrices[:, a, b] = matrices[:, b, a] = values
    return matrices


class NewEffects:
    """Effects of new levels of one factor in one linear predictor.

    A level has one fresh draw for each draw of the posterior, the same wherever it occurs: its
    random numbers depend on the seed, the factor and the level's name only, not on the other rows.

    Parameters
    ----------
    seed
        Of the prediction.
    name
        Linear predictor and factor.
    sds
        Group sds of each block of effects: ``(m, r, n_draws)`` with m effects of a level and r
        categories of the response (else 1).
    correlations
        For each block the entries of its correlation matrices ``(n_pairs, r, n_draws)``, or
        ``None`` for independent effects.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        sds: Sequence[np.ndarray],
        correlations: Sequence[np.ndarray | None],
    ) -> None:
        self._seed = seed
        self._name = name
        self._sds = sds
        self._roots = [
            None if pairs is None else _roots(pairs, len(sd))
            for sd, pairs in zip(sds, correlations, strict=True)
        ]

    def of(self, level: Key) -> list[np.ndarray]:
        """Return the effects of a level, one ``(m, r, n_draws)`` for each block."""
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, self._number(level)]))
        found = []
        for sd, roots in zip(self._sds, self._roots, strict=True):
            z = rng.standard_normal(sd.shape)
            if roots is not None:
                z = np.einsum("rsij,jrs->irs", roots, z)
            found.append(sd * z)
        return found

    def _number(self, level: Key) -> int:
        text = "\x00".join((self._name, *level))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16])


def _roots(pairs: np.ndarray, size: int) -> np.ndarray:
    """Return Cholesky factors, shape ``(r, n_draws, size, size)``."""
    each = [cholesky(correlation_matrices(pairs[:, r], size)) for r in range(pairs.shape[1])]
    return np.stack(each)
