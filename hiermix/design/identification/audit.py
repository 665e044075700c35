"""Linear predictors -> what the likelihood cannot separate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from hiermix.design.identification.classes import Containment, containment, row_classes
from hiermix.design.identification.codes import Status
from hiermix.design.identification.crossing import count_partners, level_graph, observed_pairs
from hiermix.design.identification.kinds import ALONE, ZERO
from hiermix.design.identification.partitions import Partition, of_common, of_factor, of_residual
from hiermix.design.identification.result import (
    Identification,
    LevelGraph,
    Partners,
    SetIndex,
    TermIdentification,
)
from hiermix.design.identification.sets import Column, EffectSets, effect_sets
from hiermix.design.types import Factor, GroupTerm, LinearPart


def audit_identification(
    parts: Sequence[LinearPart],
    residual_is_free: bool,
    multiplicity: np.ndarray | None = None,
) -> Identification:
    """Find the group-specific effects that the likelihood cannot tell from others.

    Only columns with the same rows are compared: levels of several factors with one set of rows,
    the slopes of one level, common effects of factors, and the residual where a factor has one
    row a level. Each comparison is exact, or has a tolerance that ``algebra`` states.

    Parameters
    ----------
    parts
        Linear predictors, the main one first.
    residual_is_free
        Whether the main one has a residual whose scale is estimated.
    multiplicity
        Shape ``(n_obs,)``: how many rows of the data each row stands for; ``None`` for one.

    Returns
    -------
    Identification
        Status, kind and partners of every effect; components of crossed factors.

    Notes
    -----
    Time O(n_obs log n_obs) for each pair of factors, memory O(n_obs + levels); slopes add their
    number squared. No rows x levels array.
    """
    terms: list[TermIdentification] = []
    graphs: list[LevelGraph] = []
    sets: list[EffectSets] = []
    for place, part in enumerate(parts):
        if part.group:
            found = _audit_part(part, residual_is_free and place == 0, multiplicity)
            terms += found[0]
            graphs += found[1]
            sets += found[2]
    return Identification(
        tuple(part.parameter for part in parts), tuple(terms), tuple(graphs), tuple(sets)
    )


def _audit_part(
    part: LinearPart, residual_is_free: bool, multiplicity: np.ndarray | None
) -> tuple[list[TermIdentification], list[LevelGraph], tuple[EffectSets, ...]]:
    factors = part.factors
    partitions = [*map(of_factor, factors), *of_common(part)]
    contained = {
        (i, j): containment(partitions[i], partitions[j])
        for i in range(len(factors))
        for j in range(len(factors))
        if i != j
    }
    crossed = np.zeros((len(partitions) + 1, len(partitions) + 1), dtype=bool)
    for i, j in contained:
        crossed[i, j] = not contained[i, j].nested and not contained[j, i].nested
    partners, graphs = _pairs(part, partitions, contained, multiplicity)
    with_intercept = {term.factor.name for term in part.group if term.expression == "1"}
    one_row = np.zeros(len(partitions) + 1, dtype=bool)
    for i, factor in enumerate(factors):
        one_row[i] = (
            residual_is_free and factor.name in with_intercept and int(factor.counts.max()) == 1
        )
    if one_row.any():
        partitions.append(of_residual(len(factors[0].index)))
    classes = row_classes(partitions, contained)
    for i in np.flatnonzero(one_row).tolist():
        classes.takes_part[-1, classes.class_of[i]] = True
    own = {
        (i, term.name, position): _column(i, partitions[i], term, position)
        for i, factor in enumerate(factors)
        for term in part.group
        if term.factor.name == factor.name
        for position in range(len(term.columns))
    }
    rivals = [
        Column(i, partition, "1")
        for i, partition in enumerate(partitions)
        if partition.role != "factor"
    ]
    sets, which, row = effect_sets(
        part.parameter, [*own.values(), *rivals], classes, crossed, one_row
    )
    terms = [
        _term(
            part.parameter,
            factors[i],
            column,
            partners[i],
            SetIndex(sets, classes.class_of[i], which, row),
        )
        for (i, _, _), column in own.items()
    ]
    return terms, graphs, sets


def _column(place: int, owner: Partition, term: GroupTerm, position: int) -> Column:
    name = term.columns[position]
    if term.expression == "1":
        return Column(place, owner, name, term)
    values = term.values[:, position]
    return Column(
        place, owner, name, term, position, float(np.abs(values).max()), float(np.ptp(values))
    )


def _pairs(
    part: LinearPart,
    partitions: Sequence[Partition],
    contained: Mapping[tuple[int, int], Containment],
    multiplicity: np.ndarray | None,
) -> tuple[list[np.ndarray], list[LevelGraph]]:
    """Return the fewest partners of each factor's levels, and the graphs of crossed factors.

    Factors that share a variable fall into parts by its levels: that says nothing, no graph.
    """
    factors = part.factors
    partners = [np.full(factor.n_groups, np.nan) for factor in factors]
    graphs = []
    with_intercept = {term.factor.name for term in part.group if term.expression == "1"}
    for i, j in combinations(range(len(factors)), 2):
        a, b = partitions[i], partitions[j]
        nested = contained[i, j].nested or contained[j, i].nested
        pairs = None if nested else observed_pairs(a, b, multiplicity)
        counts = count_partners(a, b, contained[i, j], contained[j, i], pairs)
        partners[i] = np.fmin(partners[i], counts[0])
        partners[j] = np.fmin(partners[j], counts[1])
        if (
            pairs is not None
            and _are_apart(factors[i], factors[j])
            and {
                a.name,
                b.name,
            }
            <= with_intercept
        ):
            graphs.append(level_graph(part.parameter, a, b, pairs))
    return partners, graphs


def _are_apart(a: Factor, b: Factor) -> bool:
    return not set(a.variables) & set(b.variables)


def _term(
    parameter: str, factor: Factor, column: Column, partners: np.ndarray, index: SetIndex
) -> TermIdentification:
    assert column.term is not None  # rivals are no terms
    status = np.zeros(factor.n_groups, dtype=np.int8)
    kind = np.zeros(factor.n_groups, dtype=np.int8)
    for sets in index.sets:
        if column not in sets.columns:
            continue
        position = sets.columns.index(column)
        levels = sets.levels[position]
        label = sets.label[:, position]
        status[levels] = np.select(
            [label == ALONE, label == ZERO],
            [Status.LIKELIHOOD, Status.PRIOR_ONLY],
            Status.SUM_ONLY,
        )
        kind[levels] = sets.kind[:, position]
    return TermIdentification(
        parameter,
        factor.name,
        column.term.name,
        column.name,
        factor.levels,
        np.asarray(factor.counts, dtype=np.int64),
        partners,
        status,
        kind,
        Partners(status, column, index),
    )
