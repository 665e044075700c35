"""Draws as they leave a sampler, before they get the plan's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np


@dataclass(frozen=True)
class ChainDraws:
    """One chain: ``values`` have shape ``(draws, ...)``, ``stats`` ``(draws,)``."""

    values: Mapping[str, np.ndarray]
    stats: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class RawDraws:
    """All chains: ``values`` have shape ``(chains, draws, ...)``, ``stats`` ``(chains, draws)``."""

    values: Mapping[str, np.ndarray]
    stats: Mapping[str, np.ndarray]


def stack_chains(chains: Sequence[ChainDraws]) -> RawDraws:
    """Put finished chains side by side, in the order given."""
    first = chains[0]
    return RawDraws(
        {name: np.stack([chain.values[name] for chain in chains]) for name in first.values},
        {name: np.stack([chain.stats[name] for chain in chains]) for name in first.stats},
    )


def save_chain(folder: Path, number: int, chain: ChainDraws) -> None:
    """Keep a finished chain, so that an interrupted run can go on; atomic."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"value:{name}": array for name, array in chain.values.items()}
    arrays |= {f"stat:{name}": array for name, array in chain.stats.items()}
    partial = folder / f"chain-{number}.partial.npz"
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(folder / f"chain-{number}.npz")


def load_chain(folder: Path, number: int, draws: int) -> ChainDraws | None:
    """Return a kept chain, or ``None`` if there is none that can be read in full."""
    path = folder / f"chain-{number}.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
    split: dict[str, dict[str, np.ndarray]] = {"value": {}, "stat": {}}
    for name, array in arrays.items():
        kind, _, own = name.partition(":")
        if kind not in split or array.shape[:1] != (draws,):
            return None
        split[kind][own] = array
    if not split["value"] or not split["stat"]:
        return None
    return ChainDraws(split["value"], split["stat"])
