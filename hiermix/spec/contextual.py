"""The entries of ``cre`` against the formula: which terms get means by which factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hiermix.errors import FormulaError, SpecError
from hiermix.formula import Formula, Term, parse_formula, parse_right_side
from hiermix.spec.models import CreSpec
from hiermix.spec.nearest import did_you_mean
from hiermix.spec.source import SourceMap

MEAN, WITHIN = "cre_mean_", "cre_within_"
"""What the names of contextual columns begin with."""

Form = Literal["mundlak", "within-between"]


@dataclass(frozen=True)
class CreEntry:
    """One entry of ``cre`` in terms of the formula.

    ``factor`` holds the grouping factor's columns; ``terms`` is ``None`` where the spec leaves
    the choice to the data: every common term that varies within the factor.
    """

    factor: tuple[str, ...]
    terms: tuple[Term, ...] | None
    form: Form


def cre_entries(entries: Sequence[CreSpec], formula: Formula) -> tuple[CreEntry, ...]:
    """Return the entries of a checked spec with factors and terms looked up in its formula."""
    factors = _factors(formula)
    by_key = {term.key: term for term in formula.terms}
    found = []
    for entry in entries:
        factor = _factor(entry.group, factors) or factors[0]
        terms = None
        if entry.terms is not None:
            parsed = [_parsed(text) for text in entry.terms]
            terms = tuple(by_key[term.key] for term in parsed if term is not None)
        found.append(CreEntry(factor, terms, entry.form))
    return tuple(found)


def _factors(formula: Formula) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(block.factor for block in formula.group_terms))


def _factor(name: str | None, factors: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the factor of that name; ``b:a`` is ``a:b``."""
    if name is None:
        return None
    by_name = {":".join(factor): factor for factor in factors}
    if name in by_name:
        return by_name[name]
    wanted = frozenset(part.strip() for part in name.split(":"))
    return next((factor for factor in factors if frozenset(factor) == wanted), None)


def _parsed(text: str) -> Term | None:
    """Return the single term that a text states, or ``None``."""
    try:
        right = parse_right_side(f"~ 0 + {text}")
    except FormulaError:
        return None
    if len(right.terms) != 1 or right.group_terms or right.offsets or right.intercept:
        return None
    return right.terms[0]


def cre_errors(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    """Yield what is wrong with ``cre`` as far as the formula alone can tell.

    Entries and formulas that are wrong in themselves are passed over: they are errors already.
    """
    entries = value.get("cre")
    model = value.get("model")
    text = model.get("formula") if isinstance(model, dict) else None
    if isinstance(entries, dict):
        where = source.value("cre")
        message = "cre: a list expected, one entry a grouping factor, got a mapping"
        yield SpecError("spec.wrong-type", message, where, "write: - group: market")
        return
    if not isinstance(entries, list) or not entries or not isinstance(text, str):
        return
    try:
        formula = parse_formula(text)
    except FormulaError:
        return
    yield from _Checked(formula, source).errors(entries)


class _Checked:
    """Collects what entries say, so that each can be held against those before it."""

    def __init__(self, formula: Formula, source: SourceMap) -> None:
        self.formula = formula
        self.source = source
        self.factors = _factors(formula)
        self.groups: dict[tuple[str, ...], int] = {}
        self.forms: dict[frozenset[Any], str] = {}

    def errors(self, entries: Sequence[Any]) -> Iterator[SpecError]:
        if not self.factors:
            yield SpecError(
                "cre.no-group",
                "cre needs a grouping factor; the formula has no group term",
                self.source.value("cre"),
                "add for example (1 | g) to the formula, or leave out cre",
            )
            return
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield from self._group(f"cre.{number}", number, entry)
                yield from self._terms(f"cre.{number}", entry)
        yield from self._collisions()

    def _group(self, key: str, number: int, entry: Mapping[str, Any]) -> Iterator[SpecError]:
        name = entry.get("group")
        if name is not None and not isinstance(name, str):
            return
        names = [":".join(factor) for factor in self.factors]
        if name is None and len(self.factors) > 1:
            message = f"{key}.group: the formula has {len(names)} grouping factors"
            hint = f"say which one: {' or '.join(names)}"
            yield SpecError("cre.which-group", message, self.source.value(key), hint)
            return
        factor = _factor(name, self.factors) if name is not None else self.factors[0]
        where = self.source.value(f"{key}.group" if name is not None else key)
        if factor is None:
            message = f"'{name}' is not a grouping factor of the formula"
            message += did_you_mean(str(name), names)
            hint = f"grouping factors: {', '.join(names)}"
            yield SpecError("cre.unknown-group", message, where, hint)
        elif factor in self.groups:
            message = f"{key}.group: {':'.join(factor)} has an entry already"
            hint = f"put all terms into cre.{self.groups[factor]}"
            yield SpecError("cre.group-twice", message, where, hint)
        else:
            self.groups[factor] = number

    def _terms(self, key: str, entry: Mapping[str, Any]) -> Iterator[SpecError]:
        terms = entry.get("terms")
        if terms == []:
            yield SpecError(
                "cre.no-terms",
                f"{key}.terms: a term expected, got none",
                self.source.value(f"{key}.terms"),
                "leave out `terms` for every common term that varies within the group",
            )
        if not isinstance(terms, list):
            return
        seen: set[frozenset[Any]] = set()
        for i, text in enumerate(terms):
            if isinstance(text, str) and text:
                path = f"{key}.terms.{i}"
                problem = self._term(path, text, seen)
                if problem is not None:
                    yield problem
                else:
                    yield from self._form(path, text, str(entry.get("form") or "mundlak"))

    def _term(self, path: str, text: str, seen: set[frozenset[Any]]) -> SpecError | None:
        where = self.source.value(path)
        names = [term.name for term in self.formula.terms]
        term = _parsed(text)
        response = () if self.formula.response is None else self.formula.response.variables
        if term is not None and term.key in {t.key for t in self.formula.terms}:
            if term.key in seen:
                hint = "name it once"
                return SpecError("cre.term-twice", f"{path}: '{text}' twice", where, hint)
            seen.add(term.key)
            return None
        if term is not None and set(term.variables) & set(response):
            message = f"{path}: mean of the response as predictor: {text}"
            hint = "the group effects already hold what is common to the responses of a level"
            return SpecError("cre.response", message, where, hint)
        message = f"{path}: '{text}' is not a common term of the formula{did_you_mean(text, names)}"
        using = [n for n in self._using(text) if n != text]
        hint = f"common terms: {', '.join(names) or 'none'}"
        if using:
            hint = f"terms are named as in the formula: {', '.join(using)}"
        return SpecError("cre.unknown-term", message, where, hint)

    def _using(self, column: str) -> list[str]:
        return [term.name for term in self.formula.terms if column in term.variables]

    def _form(self, path: str, text: str, form: str) -> Iterator[SpecError]:
        term = _parsed(text)
        assert term is not None  # the caller looked it up
        before = self.forms.setdefault(term.key, form)
        if before != form:
            message = f"{path}: '{text}' has form {before} in one entry and {form} in another"
            where = self.source.value(path)
            yield SpecError("cre.two-forms", message, where, "use one form for a term")

    def _collisions(self) -> Iterator[SpecError]:
        """Yield an error for each column of the formula that has a generated name."""
        suffixes = ["", *(f"_by_{':'.join(factor)}" for factor in self.factors)]
        generated = {
            f"{prefix}{term.name}{suffix}": term.name
            for term in self.formula.terms
            for prefix in (MEAN, WITHIN)
            for suffix in suffixes
        }
        for name in self.formula.variables():
            if name in generated:
                yield SpecError(
                    "cre.name-collides",
                    f"generated name collides: the formula uses a column '{name}', "
                    f"which is what the group means of {generated[name]} are called",
                    self.source.value("cre"),
                    "rename the column, or leave it out: cre makes the group means",
                )
