"""Run directories -> a comparison, and a comparison as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiermix.artefacts.draws import POSTERIOR
from hiermix.artefacts.manifest import Manifest, check_hashes, damaged, finished, read_manifest
from hiermix.artefacts.resolve import RESOLVED
from hiermix.artefacts.study_files import StudyFiles
from hiermix.errors import InputErrors, UsageError, Where
from hiermix.spec.nearest import did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOO

    from hiermix.design.types import Factor
    from hiermix.listening import Listener
    from hiermix.pipeline import Prepared
    from hiermix.spec import RunSpec
    from hiermix.studies.comparable import Candidate
    from hiermix.studies.compare import Comparison

FILES = StudyFiles(("compare",), "compare.svg", mark="compare.svg")


def compare_runs(directories: Sequence[Path]) -> Comparison:
    """Compare finished runs by the log likelihood that is stored with their draws.

    Raises
    ------
    EnvironmentFault
        One of them is no run, or is damaged.
    InputErrors
        They are not about the same data, or a log likelihood is missing or not finite.
    """
    from hiermix.studies.comparable import check_observed, check_stated
    from hiermix.studies.compare import comparison

    manifests = [_opened(directory) for directory in directories]
    candidates = [_candidate(manifest) for manifest in manifests]
    check_stated(candidates)
    notes = check_observed(candidates, [_observed(manifest.path) for manifest in manifests])
    found, problems = {}, []
    for candidate, manifest in zip(candidates, manifests, strict=True):
        try:
            found[candidate.run] = _left_out_one_at_a_time(manifest)
        except UsageError as error:
            problems.append(error)
    if problems:
        raise InputErrors(problems)
    return comparison(candidates, found, notes)


def compare_runs_by_level(
    directories: Sequence[Path], group: str, listener: Listener, *, data_root: Path | None = None
) -> Comparison:
    """Compare finished runs by how well each predicts the levels of a factor as new ones.

    Every row's predictors are needed, so the data are read again.

    Parameters
    ----------
    group
        Grouping factor of one of the models at least. A model without effects by it predicts new
        levels as it does known ones.

    Raises
    ------
    EnvironmentFault
        One of them is no run, or is damaged, or its data have changed.
    InputErrors, UsageError
        They are not about the same data, have no such factor, or no densities of whole levels.
    """
    from hiermix.artefacts.prepared_again import prepare_again
    from hiermix.artefacts.read import read_run
    from hiermix.studies.comparable import check_observed, check_stated
    from hiermix.studies.compare import comparison
    from hiermix.studies.pieces import level_pieces

    manifests = [_opened(directory) for directory in directories]
    # Densities of the rows are worked out again where they are not stored.
    candidates = [replace(_candidate(manifest), left_out="") for manifest in manifests]
    check_stated(candidates)
    notes = check_observed(candidates, [_observed(manifest.path) for manifest in manifests])
    stored = [read_run(directory) for directory in directories]
    again = [prepare_again(run, listener, data_root=data_root) for run in stored]
    factor = _factor([one.prepared for one in again], group)
    found, problems = {}, []
    for candidate, run, one in zip(candidates, stored, again, strict=True):
        listener.stage(f"leaving out levels of {group}: {candidate.run}")
        pieces = level_pieces(one.fit, one.prepared.plan, factor, run.tables.group_effects)
        if isinstance(pieces, str):
            problems.append(_no_levels(candidate, group, pieces))
            continue
        try:
            found[candidate.run] = _finite_loo(run.path, pieces.values, pieces.efficiency)
        except UsageError as error:
            problems.append(error)
    if problems:
        raise InputErrors(problems)
    return comparison(candidates, found, notes, group)


def _factor(models: Sequence[Prepared], group: str) -> Factor:
    """Return a factor of the main linear predictor of any of the models, which share their rows."""
    known = {f.name: f for model in reversed(models) for f in model.design.main.factors}
    if any(model.frame.multiplicity is not None for model in models):
        raise UsageError(
            "compare.merged",
            "equal rows were merged while they were read: no level can be left out",
            hint="fit all models with --set data.reduce=off, then compare those",
        )
    if group not in known:
        raise UsageError(
            "usage.unknown-group",
            f"--by {group}: no run has such a grouping factor{did_you_mean(group, known)}",
            hint=f"grouping factors: {', '.join(known) or 'none'}",
        )
    return known[group]


def _no_levels(candidate: Candidate, group: str, why: str) -> UsageError:
    return UsageError(
        "compare.no-levels",
        f"levels of {group} cannot be left out: {why}",
        Where(file=candidate.run),
        f"'hiermix holdout SPEC --by {group}' leaves them out by fitting again",
    )


def write_comparison(found: Comparison, folder: Path) -> None:
    """Write ``compare.csv`` and ``compare.svg``.

    Raises
    ------
    EnvironmentFault
        See `StudyFiles.write`.
    """
    from hiermix.artefacts.plots.forest import comparison_forest

    FILES.write(folder, {"compare": found.table}, comparison_forest(found.table))


def _opened(directory: Path) -> Manifest:
    manifest = finished(directory) or read_manifest(directory)
    check_hashes(manifest, (POSTERIOR, RESOLVED))
    return manifest


def _candidate(manifest: Manifest) -> Candidate:
    from hiermix.errors import InputError
    from hiermix.spec import load_spec
    from hiermix.studies.comparable import Candidate

    resolved = manifest.path / RESOLVED
    data, model, fit = manifest.data, manifest.model, manifest.fit
    try:
        spec = load_spec(resolved.read_bytes(), str(resolved)).spec
        stated = spec.data
        candidate = Candidate(
            run=str(manifest.path),
            name=manifest.name,
            engine=str(fit["engine"]),
            verdict=manifest.verdict,
            formula=str(model["formula"]),
            family=str(model["family"]),
            sha256=str(data["sha256"]),
            source=(str(stated.path), stated.query or ""),
            rows_used=int(data["rows_used"]),
            rows_dropped=dict(data["rows_dropped"]),
            columns=_columns(spec),
            left_out=str(fit["facts"].get("left_out", {}).get("log_likelihood", "")),
        )
        if not candidate.response_kind:
            raise ValueError("the formula has no response")
    except (InputError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(manifest.path, f"{type(error).__name__}: {error}") from error
    return candidate


def _columns(spec: RunSpec) -> frozenset[str]:
    """Return the data columns that a model uses, without any import of what evaluates them."""
    from hiermix.formula import parse_formula, parse_right_side

    formulas = [parse_formula(spec.model.formula)]
    formulas += [parse_right_side(text) for text in spec.model.components.values()]
    named = {name for formula in formulas for name in formula.mentions}
    return frozenset(named | ({spec.model.known_se} if spec.model.known_se else set()))


@contextmanager
def _reading(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise damaged(directory, f"{POSTERIOR}: {type(error).__name__}: {error}") from error


def _only_variable(directory: Path, group: str) -> np.ndarray:
    """Return the one variable of a group, chains and draws first."""
    import xarray as xr

    with (
        _reading(directory),
        xr.open_dataset(directory / POSTERIOR, group=group, engine="h5netcdf") as stored,
    ):
        (values,) = stored.data_vars.values()
        first = [name for name in ("chain", "draw") if name in values.dims]
        return np.asarray(values.transpose(*first, ...).to_numpy(), dtype=float)


def _observed(directory: Path) -> np.ndarray:
    return _only_variable(directory, "observed_data")


def _left_out_one_at_a_time(manifest: Manifest) -> ELPDDataLOO:
    values = _only_variable(manifest.path, "log_likelihood")
    if values.ndim != 3:
        raise damaged(manifest.path, f"{POSTERIOR}: a log likelihood has three dims")
    return _finite_loo(manifest.path, values, _population(manifest))


def _finite_loo(directory: Path, values: np.ndarray, efficiency: xr.Dataset) -> ELPDDataLOO:
    from hiermix.studies.accuracy import NOT_FINITE, pointwise_loo

    if np.isfinite(values).all():
        found = pointwise_loo(values, efficiency)
        if np.isfinite(found.elpd_i.to_numpy()).all():
            return found
    raise UsageError(
        "compare.not-finite",
        NOT_FINITE,
        Where(file=str(directory)),
        "look at the run's gates; narrower priors keep predictions within reach",
    )


def _population(manifest: Manifest) -> xr.Dataset:
    """Return the draws of the population-level parameters: those whose efficiency matters."""
    import xarray as xr

    from hiermix.model.plan import tree_name

    with _reading(manifest.path):
        priors: list[dict[str, Any]] = manifest.model["priors"]
        names = {tree_name(p["parameter"]) for p in priors if p["role"] != "group_specific"}
        with xr.open_dataset(
            manifest.path / POSTERIOR, group="posterior", engine="h5netcdf"
        ) as stored:
            own = [name for name in stored.data_vars if name in names]
            picked = stored[own] if own else stored
            return xr.Dataset({n: (v.dims, v.to_numpy()) for n, v in picked.data_vars.items()})
