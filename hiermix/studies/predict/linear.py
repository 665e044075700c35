"""Linear predictors at rows: columns times draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from hiermix.design.types import ordered_pairs
from hiermix.studies.predict.evaluate import PartValues
from hiermix.studies.predict.levels import RowLevels
from hiermix.studies.predict.new_levels import NewEffects
from hiermix.studies.predict.stored import StoredDesign, StoredGroup, StoredParameter, StoredPart

type Draws = Callable[..., np.ndarray]
"""Name of a parameter, and shape -> its draws, ``(*shape, r, n_draws)``."""

NewLevels = Literal["error", "population", "draw"]

KEPT_LEVELS = 256
"""New levels whose draws are kept: rows of a level are often neighbours."""


class Posterior(Protocol):
    """Draws of a run."""

    @property
    def n_draws(self) -> int:
        """Draws that there are."""

    def draws(self, parameter: StoredParameter, levels: np.ndarray | None = None) -> np.ndarray:
        """Return draws, the last axis of the result: ``(*shape, n_draws)``.

        Parameters
        ----------
        parameter
            Which one; a fixed one has its value as every draw, shape ``(n_draws,)``.
        levels
            Positions on its first axis to return; ``None`` for all.
        """


@dataclass(frozen=True)
class LevelDraws:
    """Effects of the levels of a factor that occur in the new rows.

    ``place`` ``(n_groups,)`` is where a fitted level is in ``effects``, which has for each group
    term an array ``(n_levels, k, r, n_draws)``; ``new`` draws the levels that were not fitted.
    """

    place: np.ndarray
    groups: tuple[int, ...]
    blocks: tuple[tuple[int, ...], ...]
    effects: tuple[np.ndarray, ...]
    new: NewEffects | None


class LinearDraws:
    """Draws of the coefficients of one linear predictor.

    Parameters
    ----------
    design, part
        What was fitted.
    posterior
        Its draws.
    used
        Factor -> positions of its fitted levels that occur in the new rows.
    new_levels, seed
        What new levels get.
    """

    def __init__(
        self,
        design: StoredDesign,
        part: StoredPart,
        posterior: Posterior,
        used: Mapping[str, np.ndarray],
        new_levels: NewLevels,
        seed: int,
    ) -> None:
        self._n_draws = posterior.n_draws
        self._part = part
        self._n_responses = 1
        if part is design.main and design.family == "categorical":
            self._n_responses = len(design.response.levels or ()) - 1
        r, s = self._n_responses, self._n_draws

        def of(name: str, *shape: int, levels: np.ndarray | None = None) -> np.ndarray:
            draws = posterior.draws(design.parameters[part.prefix + name], levels)
            return draws.reshape(*shape, r, s)

        self._intercept = of("Intercept") if part.intercept else np.zeros((r, s))
        common = [of(term.name, len(term.pick)) for term in part.common]
        self._common = np.concatenate([np.zeros((0, r, s)), *common])
        fresh = seed if new_levels == "draw" else None
        self._factors = {
            factor: self._levels(
                of, factor, len(design.factors[factor].levels), used[factor], fresh
            )
            for factor in dict.fromkeys(group.factor for group in part.groups)
        }
        self._kept: dict[tuple[str, ...], list[np.ndarray]] = {}

    def _levels(
        self, of: Draws, factor: str, n_groups: int, used: np.ndarray, seed: int | None
    ) -> LevelDraws:
        part = self._part
        groups = tuple(i for i, group in enumerate(part.groups) if group.factor == factor)
        names = {i: part.groups[i].name for i in groups}
        widths = {i: len(part.groups[i].columns) for i in groups}
        place = np.full(n_groups, -1)
        place[used] = np.arange(len(used))
        effects = tuple(
            np.ascontiguousarray(of(names[i], len(used), widths[i], levels=used)) for i in groups
        )
        blocks = _blocks(part, groups)
        new = None
        if seed is not None:
            sds = [
                np.concatenate([of(f"{names[i]}_sigma", widths[i]) for i in block])
                for block in blocks
            ]
            correlations = self._correlations(of, factor, blocks)
            new = NewEffects(seed, f"{part.parameter}|{factor}", sds, correlations)
        return LevelDraws(place, groups, blocks, effects, new)

    def _correlations(
        self, of: Draws, factor: str, blocks: tuple[tuple[int, ...], ...]
    ) -> list[np.ndarray | None]:
        """Return the correlations of each block; those of all bars of a factor are one variable."""
        part, start = self._part, 0
        found: list[np.ndarray | None] = []
        for block in blocks:
            size = sum(len(part.groups[i].columns) for i in block)
            n_pairs = len(ordered_pairs(size))
            if not part.groups[block[0]].correlated or not n_pairs:
                found.append(None)
                continue
            found.append(of(f"cor|{factor}", -1)[start : start + n_pairs])
            start += n_pairs
        return found

    def at(self, values: PartValues, levels: Mapping[str, RowLevels], rows: slice) -> np.ndarray:
        """Return the linear predictor, shape ``(r, rows, n_draws)``.

        ``r`` is the number of categories less one for a categorical response, else 1.
        """
        x = values.common[rows]
        products = [x @ self._common[:, r] for r in range(self._n_responses)]
        total: np.ndarray = products[0][None] if len(products) == 1 else np.stack(products)
        total += self._intercept[:, None]
        total += values.offset[rows, None]
        for factor, own in self._factors.items():
            place = levels[factor].place[rows]
            known = np.flatnonzero(place >= 0)
            at = own.place[place[known]]
            for i, effects in zip(own.groups, own.effects, strict=True):
                slope = values.slopes[i][rows]
                for k in range(effects.shape[1]):
                    for r in range(self._n_responses):
                        if len(known) == len(place):
                            total[r] += effects[at, k, r] * slope[:, k, None]
                        else:
                            total[r, known] += effects[at, k, r] * slope[known, k, None]
            if own.new is not None and len(known) < len(place):
                self._add_new(total, factor, own, values, levels[factor], rows)
        return total

    def _add_new(
        self,
        total: np.ndarray,
        factor: str,
        own: LevelDraws,
        values: PartValues,
        levels: RowLevels,
        rows: slice,
    ) -> None:
        which = levels.which[rows]
        for number in np.unique(which[which >= 0]):
            at = np.flatnonzero(which == number)
            blocks = self._new_level(factor, own, levels.new[number])
            for block, effects in zip(own.blocks, blocks, strict=True):
                slope = np.concatenate([values.slopes[i][rows][at] for i in block], axis=1)
                total[:, at] += np.einsum("nk,krs->rns", slope, effects)

    def _new_level(self, factor: str, own: LevelDraws, level: tuple[str, ...]) -> list[np.ndarray]:
        key = (factor, *level)
        if key not in self._kept:
            if len(self._kept) >= KEPT_LEVELS:
                self._kept.pop(next(iter(self._kept)))
            assert own.new is not None
            self._kept[key] = own.new.of(level)
        return self._kept[key]


def _blocks(part: StoredPart, groups: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the positions of group terms whose effects are drawn together."""
    bars: dict[tuple[int, int], list[int]] = {}
    for i in groups:
        group: StoredGroup = part.groups[i]
        bars.setdefault((group.bar, 0 if group.correlated else 1 + i), []).append(i)
    return tuple(tuple(block) for block in bars.values())
