"""Text to a checked and expanded formula."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from hiermix.errors import FormulaError, InputErrors
from hiermix.formula.counting import check_term_count
from hiermix.formula.cursor import Cursor
from hiermix.formula.expansion import Part, expand
from hiermix.formula.model import Formula, GroupTerm, Response, Term
from hiermix.formula.response import no_response, read_response
from hiermix.formula.source import Source, shown
from hiermix.formula.syntax import Node, read_sum


def parse_formula(text: str) -> Formula:
    """Parse ``response ~ terms``.

    Parameters
    ----------
    text
        The whole formula; line breaks inside it are spaces.

    Raises
    ------
    FormulaError
        The text is not a formula of the language; ``where`` points into it.

    Notes
    -----
    Time grows with the length of the text, not with what it would expand to.

    Examples
    --------
    >>> formula = parse_formula("log(y) ~ x*z + (x | g)")
    >>> [term.name for term in formula.terms]
    ['x', 'z', 'x:z']
    >>> formula.group_terms[0].factor_name, formula.group_terms[0].correlated
    ('g', True)
    """
    cursor = Cursor.over(text)
    tildes = [token for token in cursor.tokens if token.is_operator("~")]
    if not tildes:
        raise no_response(cursor)
    _refuse_second_tilde(cursor)
    response = read_response(cursor)
    cursor.take()
    return _parse_right(cursor, response, tildes[0].end)


def parse_right_side(text: str) -> Formula:
    """Parse ``~ terms``, the formula of a component; ``response`` is ``None``.

    Raises
    ------
    FormulaError
        The text is not of that form; ``where`` points into it.

    Examples
    --------
    >>> parse_right_side("~ x + (1 | g)").canonical()
    '~ x + (1 | g)'
    """
    cursor = Cursor.over(text)
    _refuse_second_tilde(cursor)
    first = cursor.here
    if not first.is_operator("~"):
        raise cursor.source.error(
            "no-tilde",
            "the formula of a component starts with '~'",
            first.start,
            first.end,
            "write '~ 1 + (1 | g)': the component's name is its key",
        )
    cursor.take()
    return _parse_right(cursor, None, first.end)


def check_columns(formula: Formula, columns: Iterable[str]) -> None:
    """Raise for every column of a formula that the data do not have.

    Raises
    ------
    InputErrors
        One ``formula.unknown-column`` per missing column, each with the nearest name.
    """
    known = list(columns)
    errors = [
        FormulaError(
            "formula.unknown-column",
            _unknown(name, known),
            formula.variable_span(name),
            "columns: " + ", ".join(known[:20]) + (", ..." if len(known) > 20 else ""),
        )
        for name in formula.variables()
        if name not in known
    ]
    if errors:
        raise InputErrors(errors)


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean '{close[0]}'?" if close else ""
    return f"'{shown(name)}' not in data{meant}"


def _refuse_second_tilde(cursor: Cursor) -> None:
    second = [token for token in cursor.tokens if token.is_operator("~")][1:2]
    for token in second:
        raise cursor.source.error(
            "second-tilde",
            f"second '~' {cursor.source.place(token.start)}",
            token.start,
            token.end,
            "a formula has one '~', between the response and the terms",
        )


def _parse_right(cursor: Cursor, response: Response | None, start: int) -> Formula:
    source = cursor.source
    if cursor.here.kind == "end":
        raise _no_terms(source, start)
    root = read_sum(cursor)
    bar = cursor.accept("|", "||")
    if bar is not None:
        raise source.error(
            "bare-bar",
            f"'{bar.text}' {source.place(bar.start)} without parentheses: parentheses needed "
            "around a group term",
            bar.start,
            bar.end,
            f"write (1 {bar.text} g) or (x {bar.text} g)",
        )
    cursor.finish()
    check_term_count(source, root)
    part = expand(source, root)
    intercept = part.intercept is not False
    if not (intercept or part.terms or part.groups or part.offsets):
        raise _no_terms(source, start)
    _check_groups(source, part.groups)
    _check_offsets(source, part)
    _check_names(source, part.terms, start)
    formula = Formula(
        response,
        intercept,
        tuple(part.terms),
        tuple(group for group, _ in part.groups),
        tuple(offset for offset, _ in part.offsets),
        source.text,
        {name: cursor.mention(name) for name, _, _ in cursor.mentions},
    )
    _check_response(cursor, formula, start)
    return formula


def _no_terms(source: Source, start: int) -> FormulaError:
    return source.error(
        "no-terms",
        "no terms on the right",
        start - 1,
        max(start, len(source.text)),
        "write '~ 1' for an intercept alone",
    )


def _check_groups(source: Source, groups: list[tuple[GroupTerm, Node]]) -> None:
    seen: dict[tuple[frozenset[str], object], GroupTerm] = {}
    for group, node in groups:
        effects: list[object] = [term.key for term in group.terms]
        for effect in (["1"] if group.intercept else []) + effects:
            key = frozenset(group.factor), effect
            earlier = seen.setdefault(key, group)
            if earlier is not group:
                raise _twice(source, earlier, group, effect, node)


def _twice(
    source: Source, earlier: GroupTerm, group: GroupTerm, effect: object, node: Node
) -> FormulaError:
    if earlier.short == group.short:
        message, hint = f"'{group.short}' twice", "write it once"
    else:
        term = next((t.name for t in group.terms if t.key == effect), "1")
        message = (
            f"'({term}|{group.factor_name})' twice: in '{earlier.short}' and in '{group.short}'"
        )
        hint = "put all effects of a factor into one group term, or start the second with 0 +"
    return source.error("duplicate-group", message, node.start, node.end, hint)


def _check_offsets(source: Source, part: Part) -> None:
    for i, (offset, node) in enumerate(part.offsets):
        if offset in [earlier for earlier, _ in part.offsets[:i]]:
            raise source.error(
                "duplicate-offset",
                f"'offset({offset.name})' twice",
                node.start,
                node.end,
                "write it once; twice the offset is offset(2 * x)",
            )


def _check_names(source: Source, terms: list[Term], start: int) -> None:
    seen: set[str] = set()
    for term in terms:
        if term.name in seen:
            raise source.error(
                "ambiguous-name",
                f"two terms are called '{shown(term.name)}'",
                start,
                len(source.text),
                "rename the column in the data",
            )
        seen.add(term.name)


def _check_response(cursor: Cursor, formula: Formula, start: int) -> None:
    if formula.response is None:
        return
    for name in formula.response.expression.variables:
        if name in formula.predictors():
            where = cursor.mention(name, start)
            raise FormulaError(
                "formula.response-on-right",
                f"'{name}' is the response",
                where,
                "a response cannot explain itself: take it out of the right-hand side",
            )
