"""What prediction needs of a run directory: the stored design, level means and draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.draws import POSTERIOR
from hiermix.artefacts.manifest import Manifest, check_hashes, damaged, finished, read_manifest
from hiermix.artefacts.tables import CRE_MEANS, read_level_means
from hiermix.errors import EnvironmentFault

if TYPE_CHECKING:
    import xarray as xr

    from hiermix.design.cre import LevelMeans
    from hiermix.pipeline import RunResult
    from hiermix.studies.predict import DrawsOutline, StoredDesign, StoredParameter

DESIGN = "design.json"

READ_BYTES = 32 * 2**20
"""Draws of levels that are read at a time."""


def design_text(result: RunResult) -> str:
    """Return the text of ``design.json``: what evaluation of new rows needs of a fit."""
    from hiermix.studies.predict import to_json
    from hiermix.studies.predict.describe import describe_design

    prepared = result.prepared
    # The rows of the design are those of the frame; the plan may have merged more of them.
    return to_json(
        describe_design(prepared.loaded.spec, prepared.frame, prepared.design, prepared.plan)
    )


def read_design(directory: Path) -> tuple[Manifest, StoredDesign]:
    """Open a finished run for prediction.

    Raises
    ------
    EnvironmentFault
        There is no finished run, it is damaged, or it cannot predict.
    """
    from hiermix.studies.predict import check_against_draws, check_consistent, from_json

    manifest = finished(directory) or read_manifest(directory)
    if DESIGN not in manifest.files:
        raise EnvironmentFault(
            "run.no-design",
            f"the run '{directory}' has no {DESIGN}: it was written before runs could predict",
            hint="fit it again with 'hiermix run --force'",
        )
    check_hashes(manifest, [n for n in (DESIGN, POSTERIOR, CRE_MEANS) if n in manifest.files])
    try:
        design = from_json((directory / DESIGN).read_text("utf-8"))
        check_consistent(design)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(directory, f"{DESIGN}: {error}") from error
    if design.problem:
        raise EnvironmentFault(
            "run.cannot-predict",
            f"the run '{directory}' cannot predict: {design.problem}",
            hint="this is a defect of hiermix; please report the formula",
        )
    outline, means = _outline(directory), read_means(directory)
    try:
        check_against_draws(design, outline, means)
    except ValueError as error:
        raise damaged(directory, f"{DESIGN}: {error}") from error
    return manifest, design


def _outline(directory: Path) -> DrawsOutline:
    """Return the variables of the draws and their coordinates; reads no draws."""
    from hiermix.studies.predict import DrawsOutline

    with _posterior(directory) as dataset:
        own = {str(name): tuple(map(str, v.dims)) for name, v in dataset.data_vars.items()}
        labels = {
            str(dim): tuple(map(str, dataset[dim].to_numpy().tolist()))
            for dim in dataset.dims
            if dim not in ("chain", "draw")
        }
    dims = {name: tuple(d for d in of if d in labels) for name, of in own.items()}
    return DrawsOutline(dims, labels)


def read_means(directory: Path) -> tuple[LevelMeans, ...]:
    """Read the level means of a run; none without ``cre``.

    Raises
    ------
    EnvironmentFault
        The file is damaged.
    """
    try:
        return read_level_means(directory)
    except (OSError, ValueError, KeyError) as error:
        raise damaged(directory, f"{CRE_MEANS}: {error}") from error


class RunPosterior:
    """Draws of a run, read variable by variable.

    Parameters
    ----------
    directory
        The run.
    dataset
        Its group ``posterior``, not loaded.
    picks
        Positions of the draws that are used, chains after one another.
    """

    def __init__(self, directory: Path, dataset: xr.Dataset, picks: np.ndarray) -> None:
        self._directory = directory
        self._dataset = dataset
        self._picks = picks

    @property
    def n_draws(self) -> int:
        """Draws that are used."""
        return len(self._picks)

    def draws(self, parameter: StoredParameter, levels: np.ndarray | None = None) -> np.ndarray:
        """Return draws, shape ``(*shape, n_draws)``; see ``hiermix.studies.predict.Posterior``.

        Raises
        ------
        EnvironmentFault
            The file is damaged.
        """
        if parameter.value is not None and parameter.variable not in self._dataset:
            return np.full(self.n_draws, parameter.value)
        try:
            array = self._dataset[parameter.variable].transpose("chain", "draw", *parameter.dims)
            if levels is None:
                return self._picked(array.to_numpy())
            return self._of_levels(array, parameter.dims[0], levels)
        except (OSError, KeyError, ValueError) as error:
            raise _unreadable(self._directory, error) from error

    def _of_levels(self, array: xr.DataArray, dim: str, levels: np.ndarray) -> np.ndarray:
        """Read runs of levels, so that what is not used is never in memory at once."""
        rest = array.shape[3:]
        found = np.empty((len(levels), *rest, self.n_draws))
        total = array.sizes["chain"] * array.sizes["draw"] * int(np.prod(rest, dtype=int))
        step = max(1, READ_BYTES // (8 * total))
        for start in range(0, array.sizes[dim], step):
            own = np.flatnonzero((levels >= start) & (levels < start + step))
            if len(own):
                values = array.isel({dim: slice(start, start + step)}).to_numpy()
                found[own] = self._picked(values[:, :, levels[own] - start])
        return found

    def _picked(self, values: np.ndarray) -> np.ndarray:
        """Return the draws that are used, the last axis of the result."""
        flat = values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])
        if len(self._picks) < len(flat):
            flat = flat[self._picks]
        return np.ascontiguousarray(np.moveaxis(flat, 0, -1))


@contextmanager
def open_posterior(directory: Path, n_draws: int | None) -> Iterator[RunPosterior]:
    """Open the draws of a run.

    Parameters
    ----------
    directory
        The run.
    n_draws
        How many to use, evenly spaced over all chains; ``None`` or too many for all.

    Raises
    ------
    EnvironmentFault
        The file is damaged.
    """
    with _posterior(directory) as found:
        total = found.sizes["chain"] * found.sizes["draw"]
        wanted = total if n_draws is None else min(n_draws, total)
        picks = np.unique(np.floor((np.arange(wanted) + 0.5) * total / wanted).astype(np.int64))
        yield RunPosterior(directory, found, picks)


@contextmanager
def _posterior(directory: Path) -> Iterator[xr.Dataset]:
    """Open the group ``posterior`` of the draws, without reading any."""
    import xarray as xr

    try:
        found = xr.open_dataset(directory / POSTERIOR, group="posterior", engine="h5netcdf")
        if not {"chain", "draw"} <= set(found.sizes):
            raise ValueError("no chains of draws")
    except (OSError, KeyError, ValueError) as error:
        raise _unreadable(directory, error) from error
    with found:
        yield found


def _unreadable(directory: Path, error: Exception) -> EnvironmentFault:
    return damaged(directory, f"{POSTERIOR}: {type(error).__name__}: {error}")
