"""The terms that an interaction without its margins is fitted with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from hiermix.formula import Formula, Term

if TYPE_CHECKING:
    from hiermix.design.types import LinearPart


def with_margins(formula: Formula, part: LinearPart) -> Formula:
    """Return the formula with the margins that the coding of its interactions has added.

    Parameters
    ----------
    formula
        As the spec has it: ``y ~ f:h``.
    part
        What it became, before any contextual effects: terms ``h`` and ``f:h``.

    Returns
    -------
    Formula
        Whose terms are those of the part, in their order: ``y ~ h + f:h``.
    """
    blocks = tuple(
        replace(
            block,
            terms=_named(
                block.terms,
                (t.expression for t in part.group if t.bar == bar and t.expression != "1"),
            ),
        )
        for bar, block in enumerate(formula.group_terms)
    )
    common = _named(formula.terms, (term.name for term in part.common))
    return replace(formula, terms=common, group_terms=blocks)


def _named(stated: tuple[Term, ...], names: Iterable[str]) -> tuple[Term, ...]:
    """Return the terms of these names: stated ones, and single factors of theirs."""
    factors = {f.name: Term((f,)) for term in stated for f in term.factors}
    known = factors | {term.name: term for term in stated}
    return tuple(known[name] for name in names)
