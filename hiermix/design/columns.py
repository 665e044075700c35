"""Common terms to numeric columns, by formulae, on data whose names are sterile."""

from __future__ import annotations

import contextlib
import copy
import io
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from formulae import design_matrices

from hiermix.design.types import CommonTerm
from hiermix.errors import DesignError, Where
from hiermix.formula import Expression, Formula, Term
from hiermix.formula.expression import Call, Comparison, Text

ELEMENTWISE: Mapping[str, Callable[[Any], Any]] = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
"""Elementwise functions of the formula language that formulae itself does not define."""

DOMAIN: Mapping[str, tuple[Callable[[Any, float], Any], str]] = {
    "log": (operator.le, "<= 0"),
    "log2": (operator.le, "<= 0"),
    "log10": (operator.le, "<= 0"),
    "sqrt": (operator.lt, "< 0"),
}
"""Function -> which arguments it has no value for, and how that is said."""


class ColumnSource:
    """The data under names that no formula and no library can trip over.

    formulae resolves names in the caller's frame and reserves some; behind ``v0, v1, ...`` the
    user's column names reach no library at all.

    Parameters
    ----------
    table
        Columns of the model, ``n_obs`` rows; text is ``category``.
    row_numbers
        Shape ``(n_obs,)``: numbers of the data rows, for messages.
    multiplicity
        Shape ``(n_obs,)``: how many data rows each stands for; ``None`` for one.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        row_numbers: np.ndarray,
        multiplicity: np.ndarray | None = None,
    ) -> None:
        self.multiplicity = multiplicity
        self.rename: Mapping[str, str] = {str(c): f"v{i}" for i, c in enumerate(table.columns)}
        self._row_numbers = row_numbers
        self._key = "model.formula"
        self._mentions: Mapping[str, Where] = {}
        sterile = table.rename(columns=self.rename)
        for name in sterile.columns:
            if sterile[name].dtype == bool:
                sterile[name] = sterile[name].astype(np.float64)
        self.table = sterile

    def for_formula(self, formula: Formula, key: str) -> ColumnSource:
        """Return the same columns for errors of the formula that stands at ``key`` of the spec."""
        source = copy.copy(self)
        source._key = key
        source._mentions = formula.mentions
        return source

    def _at(self, variables: Sequence[str]) -> Where:
        """Return where the formula first mentions one of these columns."""
        for name in variables:
            if name in self._mentions:
                return replace(self._mentions[name], key=self._key)
        return Where(key=self._key)

    @property
    def n_obs(self) -> int:
        """Rows."""
        return len(self.table)

    def count(self, found: np.ndarray) -> int:
        """Return how many rows of the data are meant, given the rows ``(n_obs,)`` that are."""
        return int(found.sum() if self.multiplicity is None else self.multiplicity[found].sum())

    def column(self, name: str) -> pd.Series:
        """Return one data column by the user's name."""
        return self.table[self.rename[name]]

    def numbers(self, expression: Expression | float | None) -> np.ndarray:
        """Evaluate an expression without coefficients (response, offset, weights).

        Returns
        -------
        numpy.ndarray
            Shape ``(n_obs,)``, float64, finite.

        Raises
        ------
        DesignError
            The expression is not numeric or not finite somewhere.
        """
        if not isinstance(expression, Expression):
            return np.full(self.n_obs, float(expression or 0.0))
        if not expression.variables:
            return np.full(self.n_obs, float(expression.render()))
        name = expression.render()
        computed = not (expression.is_column or expression.function)
        whole = Call("I", (expression,)) if computed else expression
        (term,) = self.terms((Term((whole,)),), intercept=False)
        if term.categorical or term.values.shape[1] != 1:
            raise DesignError(
                "design.not-numeric",
                f"{name} is text; numbers are needed",
                self._at(expression.variables),
                "a column of labels can be a term or a grouping factor",
            )
        return term.values[:, 0]

    def terms(self, terms: Sequence[Term], *, intercept: bool) -> tuple[CommonTerm, ...]:
        """Evaluate terms to columns, coding factors as lme4 and formulae do.

        Parameters
        ----------
        terms
            Expanded terms, in order.
        intercept
            Whether an intercept stands beside them: decides between reduced and full coding.

        Raises
        ------
        DesignError
            A term cannot be evaluated, has one level only, or is not finite in some row.
        """
        if not terms:
            return ()
        for term in terms:
            self._check_numeric(term)
            self._check_domain(term)
            self._check_levels(term)
        names = [term.render(self.rename) for term in terms]
        text = " + ".join(["1" if intercept else "0", *names])
        try:
            with (
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                matrices = design_matrices(text, self.table, "error", extra_namespace=ELEMENTWISE)
        except Exception as error:  # formulae raises many kinds, all about the term
            shown = " + ".join(term.name for term in terms)
            raise DesignError(
                "design.cannot-evaluate",
                f"cannot evaluate {shown}: {_plain(error, self.rename)}",
                self._at(terms[0].variables if len(terms) == 1 else ()),
                "check the arguments of the functions in the formula",
            ) from None
        evaluated = matrices.common.terms
        stated = dict(zip(names, terms, strict=True))
        # formulae adds the margins that the coding of an interaction takes for granted: with
        # f:h alone, h, and contrasts of f within it.
        added = {name: self._margin(name, terms) for name in evaluated if name not in stated}
        wanted = {**{n: t for n, t in added.items() if t is not None}, **stated}
        return tuple(self._checked(term, evaluated[name]) for name, term in wanted.items())

    def _margin(self, name: str, terms: Sequence[Term]) -> Term | None:
        """Return a term that formulae has added; nothing for the intercept."""
        if name == "Intercept":
            return None
        for term in terms:
            own = {factor.render(self.rename): factor for factor in term.factors}
            if name in own:
                return Term((own[name],))
        # With more than two factors what formulae adds does not span their cells.
        wide = max(terms, key=lambda term: len(term.factors))
        raise DesignError(
            "design.margins",
            f"{wide.name} needs the lower interactions of its factors beside it",
            self._at(wide.variables),
            f"write {'*'.join(factor.render() for factor in wide.factors)}",
        )

    def _checked(self, term: Term, evaluated: Any) -> CommonTerm:
        name = term.name
        values = np.asarray(evaluated.data, dtype=np.float64)
        values = values.reshape(self.n_obs, -1)
        levels = getattr(evaluated, "levels", None)
        k = values.shape[1]
        if levels is not None:
            labels: tuple[str, ...] | None = tuple(str(level) for level in levels)
        else:
            labels = None if k == 1 else tuple(str(i) for i in range(k))
        columns = (name,) if labels is None else tuple(f"{name}[{label}]" for label in labels)
        if len(set(columns)) != len(columns):
            raise DesignError(
                "design.ambiguous-levels",
                f"{name}: two combinations of categories have the same text, "
                "because one contains ', '",
                self._at(term.variables),
                "rename the categories that contain ', '",
            )
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            raise DesignError(
                "design.not-finite",
                f"{name}: {self.count(bad)} rows are not finite, "
                f"first at data row {self._row_numbers[int(np.argmax(bad))]}",
                self._at(term.variables),
                "transform or drop these rows before the run",
            )
        kinds = {getattr(c, "kind", None) for c in getattr(evaluated, "components", ())}
        return CommonTerm(
            name,
            columns,
            values,
            labels,
            levels is not None,
            kinds == {"categoric"},
            len(term.factors) > 1,
            term.variables,
        )

    def _check_numeric(self, term: Term) -> None:
        for factor in term.factors:
            if factor.is_column or factor.function == "C" or _compares_text(factor):
                continue
            for variable in factor.variables:
                if isinstance(self.column(variable).dtype, pd.CategoricalDtype):
                    raise DesignError(
                        "design.not-numeric",
                        f"{factor.render()}: {variable} is text; {factor.function} needs numbers",
                        self._at((variable,)),
                        f"write {variable} or C({variable}) for a factor",
                    )

    def _check_domain(self, term: Term) -> None:
        for factor in term.factors:
            rule = DOMAIN.get(factor.function or "")
            if rule is None or len(factor.variables) != 1:
                continue
            column = self.column(factor.variables[0])
            if factor.name != f"{factor.function}({factor.variables[0]})":
                continue
            if isinstance(column.dtype, pd.CategoricalDtype):
                continue
            outside, words = rule
            bad = outside(column.to_numpy(dtype=np.float64), 0.0)
            if bad.any():
                raise DesignError(
                    "design.out-of-domain",
                    f"{factor.render()}: {self.count(bad)} rows {words}, "
                    f"first at data row {self._row_numbers[int(np.argmax(bad))]}",
                    self._at(factor.variables),
                    "shift or drop these rows, or leave out the transformation",
                )

    def _check_levels(self, term: Term) -> None:
        for factor in term.factors:
            for variable in factor.variables:
                column = self.column(variable)
                if isinstance(column.dtype, pd.CategoricalDtype) and column.nunique() < 2:
                    raise DesignError(
                        "design.one-level",
                        f"{variable} has 1 level; a factor needs at least 2",
                        self._at((variable,)),
                        f"leave {term.name} out of the formula",
                    )


def _compares_text(factor: Expression) -> bool:
    return any(
        isinstance(part, Comparison) and any(isinstance(side, Text) for side in part.parts)
        for part in factor.parts
    )


def _plain(error: Exception, rename: Mapping[str, str]) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    for original, sterile in sorted(rename.items(), key=lambda item: -len(item[1])):
        text = text.replace(sterile, original)
    return text[:300]
