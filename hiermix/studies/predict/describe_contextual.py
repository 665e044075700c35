"""What the terms that ``cre`` makes of the formula's are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hiermix.spec.contextual import MEAN, WITHIN
from hiermix.studies.predict.stored import StoredCommon, StoredPart

if TYPE_CHECKING:
    from hiermix.design.types import Design


def with_contextual(parts: tuple[StoredPart, ...], design: Design) -> tuple[StoredPart, ...]:
    """Return the linear predictors with the terms of the fitted design.

    Parameters
    ----------
    parts
        The linear predictors, the main one first, whose terms have the names of the fit.
    design
        The fitted design.
    """
    contextual = design.contextual
    if contextual is None:
        return parts
    main, *others = parts
    users: dict[str, tuple[str, ...]] = {}
    made: dict[str, tuple[str, str, str]] = {}
    for term in contextual.plain.common:
        named = [(factor, _mean_name(term.name, factor, design)) for factor in contextual.terms]
        users[term.name] = tuple(factor for factor, name in named if name is not None)
        made |= {name: (term.name, "mean", factor) for factor, name in named if name is not None}
        made[f"{WITHIN}{term.name}"] = term.name, "within", ""
    plain = {term.name: term for term in contextual.plain.common}
    common = []
    for own, fitted in zip(main.common, design.main.common, strict=True):
        if own.name in plain:
            common.append(own)
            continue
        source, role, factor = made[own.name]
        labels = plain[source].labels
        pick = (0,) if labels is None else tuple(labels.index(x) for x in fitted.labels or ())
        common.append(
            StoredCommon(own.name, source, role, users[source], factor, pick)  # type: ignore[arg-type]
        )
    groups = tuple(
        replace(own, within=users[plain_group.expression]) if own.name != plain_group.name else own
        for own, plain_group in zip(main.groups, contextual.plain.group, strict=True)
    )
    return (replace(main, common=tuple(common), groups=groups), *others)


def _mean_name(term: str, factor: str, design: Design) -> str | None:
    """Return the name of the means of a term by a factor in the fitted design, if it has them."""
    contextual = design.contextual
    assert contextual is not None
    plain = {t.name for t in contextual.plain.common}
    names = {t.name for t in design.main.common} - plain
    stored = {m.group for m in contextual.means if any(_of_term(c, term) for c in m.columns)}
    for name in (f"{MEAN}{term}_by_{factor}", f"{MEAN}{term}"):
        if name in names and factor in stored:
            return name
    return None


def _of_term(column: str, term: str) -> bool:
    return column == term or column.startswith(f"{term}[")
