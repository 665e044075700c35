"""Questions of a spec against what the model has: levels and names, before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hiermix.errors import HiermixError, SpecError, Where
from hiermix.spec.nearest import did_you_mean
from hiermix.spec.questions import name_of

if TYPE_CHECKING:
    from hiermix.spec import QuestionSpec
    from hiermix.summary.questions.targets import Target

MAX_PAIRWISE = 100
"""Levels up to which every pair is compared: 4,950 rows."""

SHOWN = 8
"""Names that a hint lists, and unknown levels that are reported one by one."""

COMPARED = 2000
"""Levels among which the nearest one to a misspelt one is looked for."""


@dataclass(frozen=True)
class Asked:
    """A question whose names are those of the model.

    ``key`` is its place in the spec; ``target`` is ``None`` on the response scale. ``picked`` are
    positions of its levels among those of the target, ``reference`` that of the level that
    contrast ``reference`` compares with.
    """

    question: QuestionSpec
    key: str
    target: Target | None
    picked: np.ndarray
    reference: int | None = None

    @property
    def name(self) -> str:
        """What the tables call it."""
        return name_of(self.question)


def resolve(
    number: int, question: QuestionSpec, targets: Sequence[Target]
) -> tuple[Asked | None, list[HiermixError]]:
    """Look up the names of a question that is not about the response scale.

    Returns
    -------
    tuple
        The question, or ``None`` and all that is wrong with it; errors have the key path.
    """
    key = f"questions.{number}"
    by_name = {target.name: target for target in reversed(targets)}
    target = by_name.get(question.of)
    if target is None:
        return None, [_unknown_target(f"{key}.of", question, targets)]
    if target.kind == "parameter":
        wrong: list[HiermixError] = list(_of_number(key, question))
        return (None if wrong else Asked(question, key, target, np.zeros(1, dtype=int))), wrong
    picked, reference, errors = resolve_levels(key, question, target.levels)
    if question.scale == "deviation" and target.kind != "group":
        message = f"{key}.scale: only group-specific effects have deviations"
        hint = "leave out `scale`"
        errors.append(SpecError("question.deviation", message, at(f"{key}.scale"), hint))
    return (None if errors else Asked(question, key, target, picked, reference)), errors


def _unknown_target(key: str, question: QuestionSpec, targets: Sequence[Target]) -> SpecError:
    name = question.of
    names = [target.name for target in targets]
    several = [n for n in names if n.startswith((f"{name}[", f"{name.partition('|')[0]}["))]
    message = f"{key}: the model has nothing called '{name}'{did_you_mean(name, names)}"
    hint = f"it has {listed(names)}"
    if several:
        message = f"{key}: '{name}' is several numbers and no factor"
        hint = f"ask about one: {listed(several)}"
    return SpecError("question.unknown-target", message, at(key), hint)


def at(key: str) -> Where:
    """Return the place of the value at a key path of the spec."""
    return Where(key=key, caret=1)


def listed(names: Sequence[str]) -> str:
    """Return some names, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b"]), listed("abcdefghij")
    ('a, b', 'a, b, c, d, e, f, g, h and 2 more')
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _of_number(key: str, question: QuestionSpec) -> Iterator[SpecError]:
    stated = {
        "levels": question.levels,
        "contrast": question.contrast,
        "best": question.best,
        "scale": "deviation" if question.scale == "deviation" else None,
    }
    for name, value in stated.items():
        if value is not None:
            message = f"{key}.{name}: '{question.of}' is one number, without levels"
            hint = f"leave out `{name}`, or ask about a factor or a group-specific effect"
            yield SpecError("question.no-levels", message, at(f"{key}.{name}"), hint)


def resolve_levels(
    key: str, question: QuestionSpec, levels: Sequence[str]
) -> tuple[np.ndarray, int | None, list[HiermixError]]:
    """Look up the levels that a question names.

    Returns
    -------
    tuple
        Positions of its levels, without the reference; that of the reference; and errors.
    """
    position = {level: i for i, level in enumerate(levels)}
    errors: list[HiermixError] = []
    named = question.levels if question.levels is not None else tuple(levels)
    unknown = [i for i, level in enumerate(named) if level not in position]
    for i in unknown[:SHOWN]:
        errors.append(_unknown_level(f"{key}.levels.{i}", named[i], levels, question.of))
    if len(unknown) > SHOWN:
        message = f"{key}.levels: {len(unknown) - SHOWN:,} more are not levels of '{question.of}'"
        where = at(f"{key}.levels")
        errors.append(SpecError("question.unknown-level", message, where, "correct these first"))
    reference = question.reference
    if reference is not None and reference not in position:
        errors.append(_unknown_level(f"{key}.reference", reference, levels, question.of))
    if errors:
        return np.zeros(0, dtype=int), None, errors
    picked = np.array([position[level] for level in named if level != reference], dtype=int)
    errors += _size_errors(key, question, len(picked))
    return picked, None if reference is None else position[reference], errors


def _unknown_level(key: str, level: str, levels: Sequence[str], of: str) -> SpecError:
    message = f"{key}: '{level}' is not a level of '{of}'{did_you_mean(level, levels[:COMPARED])}"
    return SpecError("question.unknown-level", message, at(key), f"levels: {listed(list(levels))}")


def _size_errors(key: str, question: QuestionSpec, count: int) -> Iterator[SpecError]:
    if count < 1:
        message = f"{key}: no level is left to compare with '{question.reference}'"
        where = at(f"{key}.levels")
        yield SpecError("question.few-levels", message, where, "name another level")
    if question.contrast == "pairwise" and count > MAX_PAIRWISE:
        message = (
            f"{key}: {count:,} levels have {count * (count - 1) // 2:,} pairs; "
            f"pairwise is for {MAX_PAIRWISE} levels at most"
        )
        where = at(f"{key}.contrast")
        hint = "write `contrast: mean`, or name some `levels`"
        yield SpecError("question.too-many-pairs", message, where, hint)
    if question.top is not None and question.top >= count:
        message = f"{key}.top: fewer than the {count} levels expected, got {question.top}"
        where = at(f"{key}.top")
        yield SpecError("question.top", message, where, "leave out `top`, or lower it")
