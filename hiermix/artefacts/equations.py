"""The model of a manifest in maths, and the symbol of every parameter.

Set as text that wraps, so that a long linear predictor fits a telephone and a printed page. The
numbers of the subscripts count from 0, the intercept's; i is a row, g[i] the level of g that it
has, k a category.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hiermix.artefacts.distributions import DISTRIBUTIONS, MEANINGS, ORDINAL, symbol
from hiermix.artefacts.notation import Atom, Atoms, Equation, joined, span
from hiermix.artefacts.texts import MINUS

MAX_SUMMANDS = 40
"""Summands of a linear predictor that are written out."""


@dataclass(frozen=True)
class Statement:
    """The equations of a model, and the symbol of each parameter that has a prior."""

    equations: tuple[Equation, ...]
    symbols: Mapping[str, Atoms]


def model_equations(model: Mapping[str, Any]) -> Statement | None:
    """Return the equations of a model, ``None`` where the manifest does not state it.

    Parameters
    ----------
    model
        Of the manifest: ``family``, ``links``, ``priors`` and ``statement``, as
        `hiermix.artefacts.statement` writes it.
    """
    stated = model.get("statement")
    if not stated:
        return None
    writer = _Writer(model, stated)
    return Statement(tuple(writer.equations()), writer.symbols)


class _Writer:
    """Writes the equations in order, and remembers the symbols as it goes."""

    def __init__(self, model: Mapping[str, Any], stated: Mapping[str, Any]) -> None:
        self.family = str(model["family"])
        self.links: Mapping[str, str] = model["links"]
        self.parts: Mapping[str, Any] = stated["parts"]
        self.parent = next(iter(self.parts))
        self.response: Mapping[str, Any] = stated["response"]
        self.known_se = stated["known_se"]
        self.rows = int(stated["rows"])
        self.means = _means(stated["contextual"])
        self.category = "k" if self.family == "categorical" else ""
        self.ordinal = self.family in ORDINAL
        roles = ("residual", "auxiliary")
        self.free = [str(p["parameter"]) for p in model["priors"] if p["role"] in roles]
        self.symbols: dict[str, Atoms] = {
            name: (Atom(symbol(name), "symbol", "k" if name == "threshold" else ""),)
            for name in self.free
        }

        if "threshold" in self.free:
            for number, below in enumerate(self.response["categories"][:-1]):
                self.symbols[f"threshold[{number}]"] = (Atom("θ", "symbol", str(below)),)

    def equations(self) -> Iterator[Equation]:
        yield self._likelihood()
        yield from self._chances()
        for name, part in self.parts.items():
            yield Equation(self._target(name), "=", self._summands(name, part))
            yield from self._group_effects(name, part)

    def _likelihood(self) -> Equation:
        others = [name for name in self.parts if name != self.parent]
        arguments = [self._trials()] if "trials" in self.response["arguments"] else []
        arguments.append(Atom("p" if self.ordinal else symbol(self.parent), "symbol", "i"))
        arguments += [Atom(symbol(name), "symbol", "i") for name in others]
        if self.known_se is not None:
            arguments.append(Atom(str(self.known_se), "name", "i"))
        arguments += [Atom(symbol(name), "symbol") for name in self.free if name != "threshold"]
        right = (Atom(f"{DISTRIBUTIONS[self.family]}("), *joined(arguments), Atom(")"))
        return Equation((self._outcome,), "~", (right,), "; ".join(self._remarks()))

    @property
    def _outcome(self) -> Atom:
        return Atom(str(self.response["expression"]), "name", "i")

    def _trials(self) -> Atom:
        trials = str(self.response["arguments"]["trials"])
        return Atom(trials) if trials.isdigit() else Atom(trials, "name", "i")

    def _remarks(self) -> Iterator[str]:
        yield f"independently for each of the {self.rows:,} rows i"
        if self.family in MEANINGS:
            yield MEANINGS[self.family]
        if self.known_se is not None:
            yield f"{self.known_se} is known, not estimated"
        kind, others = self.response["kind"], self.response["arguments"]
        if kind == "weighted":
            yield f"the log density of a row counts {others['weights']} times"
        if kind == "censored":
            yield f"of a row that {others['status']} calls censored, only the bound is known"
        if kind == "truncated":
            words = (("lb", "from"), ("ub", "to"))
            yield " ".join(["truncated", *(f"{w} {others[b]}" for b, w in words if b in others)])

    def _chances(self) -> Iterator[Equation]:
        """Yield how the probabilities of categories come from a linear predictor."""
        predictor, own = Atom("η", "symbol", "i"), Atom(symbol(self.parent), "symbol", "i")
        if self.category:
            first = (self.response["categories"] or ["the first category"])[0]
            remark = f"η is 0 for {first}, and one number for each other category k"
            right = (Atom("softmax("), predictor, Atom(")"))
            yield Equation((own,), "=", (right,), remark)
        if self.ordinal:
            link = self.links.get(self.parent, "identity")
            chance = [self._outcome, Atom(ORDINAL[self.family])]
            if self.family == "sratio":
                chance += [self._outcome, Atom(" ≥ k")]
            left = (Atom(f"{link}(P("), *chance, Atom("))"))
            right = (Atom("θ", "symbol", "k"), Atom(f" {MINUS} "), predictor)
            yield Equation(left, "=", (right,), "for each category k but the last")

    def _target(self, name: str) -> Atoms:
        own = Atom(symbol(name), "symbol", "i")
        link = self.links.get(name, "identity")
        if name == self.parent and (self.category or self.ordinal):
            return (Atom("η", "symbol", f"i{self.category}"),)
        if link == "identity":
            return (own,)
        if link in ("inverse", "inverse_squared"):
            power = "2" if link == "inverse_squared" else ""
            return (Atom("1/"), Atom(own.text, "symbol", "i", power))
        return (Atom(f"{link}("), own, Atom(")"))

    def _summands(self, name: str, part: Mapping[str, Any]) -> tuple[Atoms, ...]:
        found = [*self._common(name, part), *self._group(name, part)]
        for offset in part["offsets"]:
            found.append((Atom(offset, "name", "" if _is_number(offset) else "i"),))
        hidden = len(found) - MAX_SUMMANDS
        if hidden > 1:
            found = [*found[:MAX_SUMMANDS], (Atom(f"… ({hidden} more)"),)]
        return tuple(found) or ((Atom("0"),),)

    def _above(self, name: str) -> tuple[str, str]:
        """Return what marks the symbols and the names of a component's parameters."""
        return ("", "") if name == self.parent else (symbol(name), f"{name}_")

    def _common(self, name: str, part: Mapping[str, Any]) -> Iterator[Atoms]:
        above, prefix = self._above(name)
        if part["intercept"]:
            beta = Atom("β", "symbol", f"0{self.category}", above)
            self.symbols[f"{prefix}Intercept"] = (beta,)
            yield (beta,)
        number = 0
        for term in part["common"]:
            betas = []
            for column in term["columns"]:
                number += 1
                betas.append(Atom("β", "symbol", f"{number}{self.category}", above))
                self.symbols[f"{prefix}{column}"] = (betas[-1],)
                yield (betas[-1], Atom(" "), self._value(column))
            self.symbols[f"{prefix}{term['term']}"] = span(betas)

    def _value(self, column: str) -> Atom:
        group = self.means.get(column)
        return Atom(column, "name", f"{group}[i]" if group else "i")

    def _group(self, name: str, part: Mapping[str, Any]) -> Iterator[Atoms]:
        above, _ = self._above(name)
        for term, column, number in _numbered(part):
            effect = Atom("u", "symbol", f"{number}{self.category},{term['factor']}[i]", above)
            yield (effect,) if column == "1" else (effect, Atom(" "), self._value(column))

    def _group_effects(self, name: str, part: Mapping[str, Any]) -> Iterator[Equation]:
        """Yield a distribution for each independent effect and each set of correlated ones."""
        above, prefix = self._above(name)
        blocks: dict[tuple[Any, ...], list[tuple[Atom, Atom]]] = {}
        spreads: dict[str, list[Atom]] = {}
        for term, column, number in _numbered(part):
            factor = str(term["factor"])
            effect = Atom("u", "symbol", f"{number}{self.category},{factor}", above)
            spread = Atom("τ", "symbol", f"{number}{self.category},{factor}", above)
            spreads.setdefault(str(term["term"]), []).append(spread)
            self.symbols[f"{prefix}{column}|{factor}_sigma"] = (spread,)
            bar = ("bar", term["bar"]) if term["correlated"] else (term["term"], number)
            blocks.setdefault((factor, *bar), []).append((effect, spread))
        for label, own in spreads.items():
            self.symbols[f"{prefix}{label}_sigma"] = span(own)
            for spread, inner in zip(own, _labels(part, label), strict=True):
                self.symbols[f"{prefix}{label}_sigma[{inner}]"] = (spread,)
        for (factor, *_), members in blocks.items():
            matrix = Atom("R", "symbol", factor, above)
            if len(members) > 1:
                self.symbols[f"{prefix}cor|{factor}"] = (matrix,)
            yield from _distribution(members, matrix, f"for each level of {factor}")


def _distribution(members: list[tuple[Atom, Atom]], matrix: Atom, where: str) -> Iterator[Equation]:
    if len(members) == 1:
        effect, spread = members[0]
        yield Equation((effect,), "~", ((Atom("Normal(0, "), spread, Atom(")")),), where)
        return
    effects, spreads = zip(*members, strict=True)
    scale = Atom("D", "symbol", matrix.sub, matrix.sup)
    left = (Atom("("), *joined(effects), Atom(")"))
    right = (Atom("MVNormal(0, "), scale, Atom(" "), matrix, Atom(" "), scale, Atom(")"))
    yield Equation(left, "~", (right,), f"{where}; R: correlations of the effects")
    yield Equation((scale,), "=", ((Atom("diag("), *joined(spreads), Atom(")")),))


def _labels(part: Mapping[str, Any], label: str) -> Iterable[str]:
    columns = next(t["columns"] for t in part["group"] if t["term"] == label)
    return [column.partition("[")[2].removesuffix("]") for column in columns]


def _numbered(part: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, int]]:
    """Yield each column of the group terms with its number among those of its factor."""
    counts: dict[str, int] = {}
    for term in part["group"]:
        for column in term["columns"]:
            # 0 is the intercept's, whether or not the factor has one.
            number = 0 if column == "1" else counts.get(term["factor"], 0) + 1
            counts[term["factor"]] = number or counts.get(term["factor"], 0)
            yield term, column, number


def _means(contextual: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the factor of each column that is a level mean."""
    return {
        str(column["mean"]): str(entry["group"])
        for entry in contextual
        for column in entry["columns"]
    }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
