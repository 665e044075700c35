"""Frozen values of the design stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.measurement import Measurement

if TYPE_CHECKING:
    from hiermix.design.cre.build import Contextual
    from hiermix.design.identification import Identification


@dataclass(frozen=True)
class CommonTerm:
    """A term of the common (population-level, "fixed") part.

    ``values`` has shape ``(n_obs, k)``, one column for each name in ``columns`` (``x``,
    ``f[b]``, ``poly(x, 2)[0]``). ``labels`` are the coordinate labels inside the brackets, or
    ``None`` for a term with a single, unlabelled coefficient. ``categorical`` says that a factor
    takes part, ``only_factors`` that nothing else does, ``interaction`` that several do.
    ``variables`` are the data columns behind it.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    labels: tuple[str, ...] | None = None
    categorical: bool = False
    only_factors: bool = False
    interaction: bool = False
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Factor:
    """A grouping factor: ``g`` or the observed combinations of ``a:b``.

    ``index`` has shape ``(n_obs,)`` and holds positions in ``levels`` (``n_groups`` texts);
    ``counts`` has shape ``(n_groups,)``: rows per level, merged ones each counted.
    """

    name: str
    variables: tuple[str, ...]
    levels: tuple[str, ...]
    index: np.ndarray
    counts: np.ndarray

    @property
    def n_groups(self) -> int:
        """Number of observed levels."""
        return len(self.levels)


@dataclass(frozen=True)
class GroupTerm:
    """A group-specific ("random") term such as ``1|g`` or ``x|g``.

    ``values`` has shape ``(n_obs, k)``: a column of ones for the intercept, else the columns of
    the slope. It stands for the rows x (levels * k) matrix of lme4, which is never built.
    ``correlated`` says that the formula asked for correlations (a single bar), ``bar`` which bar
    of the formula the term stands before: its effects are correlated with those of the same bar.
    """

    name: str
    expression: str
    factor: Factor
    columns: tuple[str, ...]
    values: np.ndarray
    labels: tuple[str, ...] | None = None
    correlated: bool = False
    bar: int = 0


def ordered_pairs(size: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs ``(earlier, later)`` of ``size`` effects, ordered by the later one.

    Examples
    --------
    >>> ordered_pairs(3)
    ((0, 1), (0, 2), (1, 2))
    """
    return tuple((m, i) for i in range(size) for m in range(i))


@dataclass(frozen=True)
class CorrelatedBlock:
    """Group terms whose effects on one level are correlated with each other.

    ``columns`` names the effects of one level, in the order of the terms; ``pairs`` are the
    positions of those that have a correlation, as in `ordered_pairs`.
    """

    factor: Factor
    terms: tuple[GroupTerm, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the effects of one level."""
        return tuple(c for t in self.terms for c in t.columns)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of effects, ``(0, 1), (0, 2), (1, 2), ...``."""
        return ordered_pairs(len(self.columns))

    @property
    def labels(self) -> tuple[str, ...]:
        """One label a pair, such as ``1, x``."""
        return tuple(f"{self.columns[i]}, {self.columns[j]}" for i, j in self.pairs)


@dataclass(frozen=True)
class LinearPart:
    """The linear predictor of one parameter of the family.

    ``offset`` has shape ``(n_obs,)`` or is ``None``.
    """

    parameter: str
    intercept: bool
    common: tuple[CommonTerm, ...]
    group: tuple[GroupTerm, ...]
    offset: np.ndarray | None = None

    @property
    def common_matrix(self) -> np.ndarray:
        """Columns of all common terms without the intercept, shape ``(n_obs, n_common)``."""
        if not self.common:
            first = self.group[0].values if self.group else np.zeros((0, 0))
            return np.zeros((len(first), 0))
        return np.concatenate([t.values for t in self.common], axis=1)

    @property
    def common_columns(self) -> tuple[str, ...]:
        """Names of the columns of ``common_matrix``."""
        return tuple(c for t in self.common for c in t.columns)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors, each once, in the order of the formula."""
        return tuple({t.factor.name: t.factor for t in self.group}.values())

    def at(self, rows: np.ndarray, factors: Mapping[str, Factor] | None = None) -> LinearPart:
        """Return the part for some rows, in their order.

        Parameters
        ----------
        rows
            Positions.
        factors
            The grouping factors of these rows, by name; by default those of the part, with all of
            their levels and the counts of all rows.
        """
        if factors is None:
            factors = {f.name: replace(f, index=f.index[rows]) for f in self.factors}
        return replace(
            self,
            common=tuple(replace(term, values=term.values[rows]) for term in self.common),
            group=tuple(
                replace(term, values=term.values[rows], factor=factors[term.factor.name])
                for term in self.group
            ),
            offset=None if self.offset is None else self.offset[rows],
        )

    @property
    def correlated_blocks(self) -> tuple[CorrelatedBlock, ...]:
        """Sets of two or more effects that one bar correlates, in the order of the formula."""
        bars: dict[int, list[GroupTerm]] = {}
        for term in self.group:
            if term.correlated:
                bars.setdefault(term.bar, []).append(term)
        found = (CorrelatedBlock(terms[0].factor, tuple(terms)) for terms in bars.values())
        return tuple(block for block in found if block.pairs)


@dataclass(frozen=True)
class Response:
    """The left-hand side.

    ``kind`` is ``plain``, ``proportion`` (``values`` successes, ``trials`` trials), ``censored``
    (``status`` -1 left, 0 none, 1 right), ``truncated`` (``lower``, ``upper``) or ``weighted``
    (``weights``). ``levels`` are the categories of a categorical response, whose ``values`` are
    codes into them.
    """

    name: str
    kind: str
    values: np.ndarray
    trials: np.ndarray | None = None
    status: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    weights: np.ndarray | None = None
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Design:
    """Columns, indexes and checks of one model, before any prior.

    ``formula`` is the canonical text of what is fitted. ``contextual`` says which columns of
    ``main`` are level means, if the spec asks for any; ``identification`` what the likelihood
    cannot tell apart. ``multiplicity`` ``(n_obs,)`` says how many rows of the data each row stands
    for, where equal ones were merged while they were read; ``within_ss`` is then the sum of squares
    of the response about its means in ``response``.
    """

    formula: str
    response: Response
    main: LinearPart
    components: Mapping[str, LinearPart] = field(default_factory=dict)
    known_se: np.ndarray | None = None
    contextual: Contextual | None = None
    identification: Identification | None = None
    measurements: tuple[Measurement, ...] = ()
    warnings: tuple[str, ...] = ()
    multiplicity: np.ndarray | None = None
    within_ss: float = 0.0

    @property
    def n_obs(self) -> int:
        """Rows of the columns."""
        return len(self.response.values)

    @property
    def n_rows(self) -> int:
        """Rows of the data."""
        return self.n_obs if self.multiplicity is None else int(self.multiplicity.sum())

    @property
    def rows(self) -> np.ndarray:
        """How many rows of the data each row stands for, shape ``(n_obs,)``."""
        return np.ones(self.n_obs) if self.multiplicity is None else self.multiplicity
