"""The one currency between checks, diagnostics and gates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number.

    Attributes
    ----------
    metric
        What was measured, e.g. ``rhat``, ``design_rank_deficiency``, ``group_levels``.
    scope
        What kind of thing it was measured on: ``data``, ``design``, ``run``, or the role of a
        parameter (``common``, ``group_sd``, ``correlation``, ``residual``, ``auxiliary``,
        ``group_specific``).
    variable
        The thing itself, by the name that the tables print: ``x``, ``1|g_sigma``, ``1|g[DE]``.
    value
        The number; not finite means "could not be computed" and never passes a gate.
    note
        Evidence in words for a person, e.g. ``first at data row 9``. May be empty.
    """

    metric: str
    scope: str
    variable: str
    value: float
    note: str = ""
