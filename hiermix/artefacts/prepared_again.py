"""A run directory -> the model that was fitted, from its own spec and data, with its draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiermix.artefacts.draws import POSTERIOR
from hiermix.artefacts.manifest import check_hashes, damaged
from hiermix.artefacts.resolve import RESOLVED, prior_texts
from hiermix.errors import EnvironmentFault, InputError, Where

if TYPE_CHECKING:
    from hiermix.artefacts.read import StoredRun
    from hiermix.engines.base import Fit
    from hiermix.listening import Listener
    from hiermix.model.plan import ModelPlan
    from hiermix.pipeline import Prepared
    from hiermix.spec import LoadedSpec


@dataclass(frozen=True)
class PreparedRun:
    """The model of a finished run, and its draws."""

    prepared: Prepared
    fit: Fit


def prepare_again(
    stored: StoredRun, listener: Listener, *, data_root: Path | None = None
) -> PreparedRun:
    """Read the data of a run again and prepare its model, without fitting it.

    Raises
    ------
    EnvironmentFault
        The run is damaged, or its data are not those that it was fitted to any more.
    InputError
        The data are not there, or outside ``data_root``.
    """
    from hiermix.pipeline import fit_request, prepare

    loaded = _loaded(stored)
    prepared = prepare(
        loaded,
        stored.path,
        listener,
        data_root=data_root,
        policy=stored.manifest.policy,
    )
    _check_data(stored, prepared)
    _check_priors(stored, prepared.plan)
    fit = _fit(stored, fit_request(loaded.spec))
    _check_draws(stored, fit, prepared.plan)
    return PreparedRun(prepared, fit)


def _loaded(stored: StoredRun) -> LoadedSpec:
    from hiermix.spec import load_spec

    path = stored.path / RESOLVED
    check_hashes(stored.manifest, (RESOLVED, POSTERIOR))
    try:
        return load_spec(path.read_bytes(), str(path))
    except (OSError, InputError) as error:
        raise damaged(stored.path, f"{RESOLVED}: {error}") from error


def _check_data(stored: StoredRun, prepared: Prepared) -> None:
    if prepared.frame.sha256 == stored.manifest.data.get("sha256"):
        return
    spec = prepared.loaded.spec.data
    used = stored.manifest.data.get("rows_used")
    raise EnvironmentFault(
        "run.data-changed",
        f"the data of the run '{stored.path}' have changed since: their SHA-256 is not that of its "
        f"manifest ({prepared.frame.n_rows} rows are used now, {used} then)",
        Where(file=str(spec.path)),
        "put the data back, or fit the run again with 'hiermix run'",
    )


def _check_priors(stored: StoredRun, plan: ModelPlan) -> None:
    """Refuse a run whose model another version of hiermix would not state like this one."""
    now = {p.name: prior_texts(p) for p in plan.parameters if p.prior is not None}
    try:
        then = {str(p["parameter"]): str(p["prior"]) for p in stored.manifest.model["priors"]}
    except (KeyError, TypeError) as error:
        raise damaged(stored.path, f"manifest.json has no priors: {error}") from error
    different = [name for name in (*then, *now) if then.get(name) != now.get(name)]
    if different:
        raise EnvironmentFault(
            "run.other-model",
            f"the model of the run '{stored.path}' is not what its spec means now: the prior of "
            f"{different[0]} was {then.get(different[0], 'not there')}, it is "
            f"{now.get(different[0], 'not there')}",
            hint="another version of hiermix wrote it: fit it again with 'hiermix run --force'",
        )


def _fit(stored: StoredRun, request: Any) -> Fit:
    from hiermix.engines.base import Fit

    facts = stored.manifest.fit
    return Fit(stored.tree, str(facts.get("engine", "")), str(facts.get("sampler", "")), request)


def _check_draws(stored: StoredRun, fit: Fit, plan: ModelPlan) -> None:
    from hiermix.diagnostics.scalars import blocks

    for block in blocks(fit, plan):
        if block.draws is None:
            raise damaged(stored.path, f"posterior.nc: '{block.parameter.name}' {block.problem}")
        if not np.isfinite(block.draws).all():
            raise damaged(
                stored.path, f"posterior.nc: '{block.parameter.name}' has draws that are no numbers"
            )
