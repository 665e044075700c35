"""What questions can be about, as a value that a run directory keeps.

A target says which draws of the posterior are added up, so that questions are answered from
``posterior.nc`` alone, without the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hiermix.summary.centres import centre_of
from hiermix.summary.draws import INTERCEPT, effect_names

if TYPE_CHECKING:
    import xarray as xr

    from hiermix.design.types import CommonTerm, GroupTerm, LinearPart
    from hiermix.model.plan import ModelPlan, Parameter

Kind = Literal["group", "factor", "parameter"]


@dataclass(frozen=True)
class Part:
    """A variable of the posterior at fixed positions of some of its dimensions.

    ``at`` maps dimensions to positions; a dimension that it lacks is that of the levels.
    ``value`` is the number of a parameter that the spec fixes.
    """

    variable: str
    at: Mapping[str, int]
    value: float | None = None


@dataclass(frozen=True)
class Target:
    """One thing that a question can be ``of``.

    Attributes
    ----------
    name
        What the spec calls it: ``1|g``, ``f``, ``f[b]``, ``1|g_sigma``.
    kind
        ``group``: a group-specific effect, whose levels are those of its factor. ``factor``: a
        factor among the common effects. ``parameter``: a single number, whose one level is ``""``.
    levels
        Labels of the levels, in the order of the draws.
    own
        The draws of the levels; of ``factor`` without its reference level.
    common
        What the coefficient of every level has in common: added to its own draws.
    reference
        Whether the first level is the reference of a factor, whose coefficient is 0.
    note
        What has to be known of every answer, or nothing.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...]
    own: Part
    common: tuple[Part, ...] = ()
    reference: bool = False
    note: str = ""


def target_draws(
    target: Target, posterior: xr.Dataset, positions: np.ndarray, deviation: bool = False
) -> np.ndarray:
    """Return the draws of some levels, shape ``(len(positions), n_chains, n_draws)``.

    Parameters
    ----------
    target
        What to take.
    posterior
        Variables with the dims ``chain`` and ``draw``. One that is missing is NaN throughout.
    positions
        Of the levels.
    deviation
        Leave out what the levels have in common.
    """
    shape = (len(positions), posterior.sizes["chain"], posterior.sizes["draw"])
    zero = positions == 0 if target.reference else np.zeros(len(positions), dtype=bool)
    values = np.zeros(shape)
    values[~zero] = _part(target.own, posterior, positions[~zero] - int(target.reference))
    if not deviation:
        for part in target.common:
            values += _part(part, posterior, np.zeros(1, dtype=int))
    return values


def _part(part: Part, posterior: xr.Dataset, positions: np.ndarray) -> np.ndarray:
    shape = (len(positions), posterior.sizes["chain"], posterior.sizes["draw"])
    if part.variable not in posterior.data_vars:
        return np.full(shape, np.nan if part.value is None else part.value)
    array = posterior[part.variable]
    if not {"chain", "draw", *part.at} <= set(array.dims):
        return np.full(shape, np.nan)
    free = [dim for dim in array.dims if dim not in ("chain", "draw", *part.at)]
    index: dict[Any, Any] = dict(part.at)
    index.update(dict.fromkeys(free, positions))
    if len(free) > 1 or any(positions.max(initial=0) >= array.sizes[dim] for dim in free):
        return np.full(shape, np.nan)
    picked = array.isel(index).transpose(*free, "chain", "draw").to_numpy()
    return np.asarray(picked if free else picked[None], dtype=float)


def targets_of(plan: ModelPlan, levels: Mapping[str, Sequence[str]]) -> tuple[Target, ...]:
    """Return everything that a question on the scale of the coefficients can be about.

    Parameters
    ----------
    plan
        The model.
    levels
        Data column -> its levels, for the factors among the common effects: tells the reference
        level of each.
    """
    found: list[Target] = []
    for part in plan.parts:
        for term in part.group:
            found += _group_targets(plan, part, term)
        for common in part.common:
            found += _factor_targets(plan, part, common, levels)
    return (*found, *_parameter_targets(plan))


def _group_targets(plan: ModelPlan, part: LinearPart, term: GroupTerm) -> Iterator[Target]:
    parameter = plan.parameter(plan.label(part, term.name))
    level_dim = next(dim for dim, labels in parameter.dims if labels == term.factor.levels)
    others = [(dim, len(labels)) for dim, labels in parameter.dims if dim != level_dim]
    names = effect_names(plan, part, term)
    for column, name in enumerate(names):
        at = _unravelled(others, column)
        single = len(names) == 1
        yield Target(
            parameter.name if single else f"{name}|{term.factor.name}",
            "group",
            term.factor.levels,
            Part(parameter.variable, at),
            tuple(_scalar(p, place) for p, place in centre_of(plan, part, term, column)),
            note="; ".join(filter(None, (_group_note(part, term), _common_note(part, term)))),
        )


def _common_note(part: LinearPart, term: GroupTerm) -> str:
    """Say where the common effect that the levels deviate from takes part in interactions."""
    same = next((c for c in part.common if c.name == term.expression), None)
    return "" if same is None else _interactions(part, same)


def _unravelled(dims: Sequence[tuple[str, int]], position: int) -> dict[str, int]:
    if not dims:
        return {}
    places = np.unravel_index(position, [size for _, size in dims])
    return {dim: int(place) for (dim, _), place in zip(dims, places, strict=True)}


def _scalar(parameter: Parameter, position: int) -> Part:
    sizes = [(dim, len(labels)) for dim, labels in parameter.dims]
    fixed = parameter.prior if isinstance(parameter.prior, int | float) else None
    return Part(parameter.variable, _unravelled(sizes, position), fixed)


def _group_note(part: LinearPart, term: GroupTerm) -> str:
    slopes = [
        other.expression
        for other in part.group
        if other.factor.name == term.factor.name and other.expression != INTERCEPT
    ]
    if term.expression != INTERCEPT or not slopes:
        return ""
    return f"where {' and '.join(slopes)} is 0 or at the reference level"


def _interactions(part: LinearPart, term: CommonTerm) -> str:
    mixed = [
        other.name
        for other in part.common
        if other.interaction and set(term.variables) & set(other.variables)
    ]
    if term.interaction or not mixed:
        return ""
    return f"takes part in {', '.join(mixed)}: where the rest of it is 0 or at the reference level"


def _factor_targets(
    plan: ModelPlan, part: LinearPart, term: CommonTerm, levels: Mapping[str, Sequence[str]]
) -> Iterator[Target]:
    """Yield the factor, with its reference level, if the term is one and nothing else."""
    if term.interaction or not term.only_factors or term.labels is None:
        return
    parameter = plan.parameter(plan.label(part, term.name))
    known = tuple(levels.get(term.variables[0], ())) if len(term.variables) == 1 else ()
    missing = [level for level in known if level not in term.labels]
    if len(parameter.dims) != 1 or not set(term.labels) <= set(known) or len(missing) > 1:
        return
    yield Target(
        parameter.name,
        "factor",
        (*missing, *term.labels),
        Part(parameter.variable, {}),
        reference=bool(missing),
        note=_interactions(part, term),
    )


def _parameter_targets(plan: ModelPlan) -> Iterator[Target]:
    from hiermix.diagnostics.scalars import scalar_names

    notes = {
        plan.label(part, term.name): _interactions(part, term)
        for part in plan.parts
        for term in part.common
    }
    for parameter in plan.parameters:
        if parameter.role == "group_specific":
            continue
        for position, name in enumerate(scalar_names(parameter)):
            note = notes.get(parameter.name, "")
            yield Target(name, "parameter", ("",), _scalar(parameter, position), note=note)


def to_json(targets: Sequence[Target], plan: ModelPlan) -> list[dict[str, Any]]:
    """Return the targets as plain values, the levels of groups as the dimension that has them."""
    # Imported here: what reads finished runs needs no design.
    from hiermix.model.plan import tree_name

    dims = {p.variable: dict(p.dims) for p in plan.parameters}
    stored = []
    for target in targets:
        row = {key: value for key, value in asdict(target).items() if value}
        for part in (row["own"], *row.get("common", ())):
            part["at"] = {tree_name(dim): position for dim, position in part["at"].items()}
        if target.kind == "group":
            free = [dim for dim in dims[target.own.variable] if dim not in target.own.at]
            row["levels"] = {"dim": tree_name(free[0])}
        stored.append(row)
    return stored


def of_json(stored: Sequence[Mapping[str, Any]], posterior: xr.Dataset) -> tuple[Target, ...]:
    """Return the targets that ``to_json`` gave.

    Raises
    ------
    KeyError, TypeError, ValueError
        If they are not of that kind or not of this posterior.
    """
    found = []
    for row in stored:
        levels = row["levels"]
        if isinstance(levels, Mapping):
            levels = [str(label) for label in posterior[levels["dim"]].values]
        found.append(
            Target(
                row["name"],
                row["kind"],
                tuple(levels),
                Part(**row["own"]),
                tuple(Part(**part) for part in row.get("common", ())),
                bool(row.get("reference", False)),
                row.get("note", ""),
            )
        )
    return tuple(found)
