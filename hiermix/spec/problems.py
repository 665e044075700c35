"""Pydantic's findings in words, with the key and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hiermix.errors import SpecError, Where
from hiermix.spec.models import SECTIONS, RunSpec, pattern, section
from hiermix.spec.nearest import did_you_mean, either, nearest
from hiermix.spec.part import Part
from hiermix.spec.redaction import redact
from hiermix.spec.source import SourceMap
from hiermix.spec.strict_yaml import joined

EXPECTED = {
    "int_type": "integer",
    "int_from_float": "integer",
    "float_type": "number",
    "string_type": "text",
    "bool_type": "boolean",
    "list_type": "list",
    "tuple_type": "list",
    "dict_type": "mapping",
    "mapping_type": "mapping",
    "model_type": "mapping",
    "finite_number": "finite number",
}

RANGES = {
    "fit.draws": "fit.draws >= 100 expected",
    "fit.tune": "fit.tune >= 100 expected",
    "fit.chains": "fit.chains: R-hat needs >= 2 chains (4 advised)",
    "fit.seed": "fit.seed: 0..4294967295 expected",
    "fit.target_accept": "0.5 <= fit.target_accept < 1 expected",
    "fit.max_treedepth": "fit.max_treedepth: 5..15 expected",
    "fit.cores": "fit.cores >= 1 expected",
    "fit.max_attempts": "fit.max_attempts: 1..10 expected",
    "outputs.interval": "0 < outputs.interval < 1 expected",
    "questions.*.decide": "decide: a probability from 0.5 to below 1 expected",
    "questions.*.top": "top >= 1 expected",
}
"""The range of each limited number, in the words of a message."""

TOO_LARGE = {
    "fit.draws": "fit.draws <= 1000000 expected",
    "fit.tune": "fit.tune <= 1000000 expected",
    "fit.chains": "fit.chains <= 1000 expected",
}
"""Words about the upper end where those of ``RANGES`` are about the lower one."""

OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}

HINTS = {
    "fit.seed": "an explicit seed makes the run repeatable: seed: 1",
    "name": "letters, digits, '.', '_' and '-'",
    "questions.*.decide": "0.95 is the default; of draws nothing is certain, and 0.999 asks for "
    "999 of 1000",
}

ANY_HINT = "'hiermix schema' describes every key"

LEAVES = {
    name: joined(key, name)
    for key, model in reversed(SECTIONS.items())
    if key and "*" not in key
    for name in model.model_fields
}
"""Keys below the top, to tell where a misplaced one belongs; of equal ones the first wins."""


def shape_errors(
    value: Mapping[str, Any], source: SourceMap, model: type[Part] = RunSpec
) -> list[SpecError]:
    """Return what is wrong with the keys and types of a spec; empty if it is a ``model``."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        return []
    by_key: dict[str, list[ErrorDetails]] = {}
    for detail in details:
        by_key.setdefault(_key(detail, value), []).append(detail)
    misspelt = {
        _sibling(key) for key, group in by_key.items() if group[0]["type"] == "extra_forbidden"
    }
    return [
        _error(key, group, source)
        for key, group in by_key.items()
        if not (key in misspelt and group[0]["type"] == "missing")
        and not _is_parent(key, group, by_key)
    ]


def _key(detail: ErrorDetails, value: Any) -> str:
    """Return the key path; pydantic adds names of types for the members of a union."""
    *parents, last = detail["loc"]
    path: list[str] = []
    for part in parents:
        inside = _child(value, part)
        if inside is not None:
            path.append(str(part))
            value = inside[0]
    if detail["type"] == "missing" or _child(value, last) is not None:
        path.append(str(last))
    return ".".join(path)


def _child(value: Any, part: int | str) -> tuple[Any] | None:
    if isinstance(value, dict) and part in value:
        return (value[part],)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return (value[part],)
    return None


def _is_parent(key: str, group: list[ErrorDetails], by_key: Mapping[str, Any]) -> bool:
    """Tell whether ``group`` is about a member of a union that the value was not meant to be."""
    return isinstance(group[0]["input"], dict | list) and any(
        other.startswith(f"{key}.") and group[0]["type"] != "missing" for other in by_key
    )


def _error(key: str, group: list[ErrorDetails], source: SourceMap) -> SpecError:
    detail = group[0]
    kind = detail["type"]
    if kind == "missing":
        return _missing(key, source)
    if kind == "extra_forbidden":
        return _unknown(key, detail["input"], source)
    where = source.where(key) if detail["input"] is None else source.value(key)
    got = described(detail["input"], source.written(key))
    hint = HINTS.get(pattern(key), ANY_HINT)
    if kind in OUT_OF_RANGE:
        words = TOO_LARGE.get(key) if kind == "less_than_equal" else None
        # Another way to write a number out of range is out of range too.
        message = f"{words or RANGES[pattern(key)]}, got {source.written(key) or detail['input']}"
        return SpecError("spec.out-of-range", message, where, hint)
    if kind == "string_pattern_mismatch":
        message = f"{key}: {got} has characters that are not allowed"
        return SpecError("spec.name", message, where, hint)
    if kind in {"string_too_short", "too_short", "too_long"}:
        words = "text" if kind == "string_too_short" else "[lower, upper]"
        message = f"{key}: {words} expected, got {'nothing' if words == 'text' else 'another list'}"
        return SpecError("spec.wrong-length", message, where, hint)
    choices = list(dict.fromkeys(_choices(group)))
    if choices and isinstance(detail["input"], str) and not choices[0].isdigit():
        close = did_you_mean(detail["input"], choices)
        message = f"{key}: {either(choices)} expected, got {got}{close}"
        return SpecError("spec.not-a-choice", message, where, hint)
    words = either(dict.fromkeys([*choices, *_expected(group)]))
    message = f"{key}: {words} expected, got {got}"
    hint = _type_hint(key, detail["input"], words) or hint
    return SpecError("spec.wrong-type", message, where, hint)


def _choices(group: list[ErrorDetails]) -> Iterator[str]:
    for detail in group:
        if detail["type"] == "literal_error":
            # Pydantic lists them as 'a', 'b' or 'c'; numbers stand without quotes.
            yield from re.findall(r"[^',\s]+(?=')|\d+", detail["ctx"]["expected"])


def _expected(group: list[ErrorDetails]) -> Iterator[str]:
    for detail in group:
        if detail["type"] != "literal_error":
            yield EXPECTED.get(detail["type"], "another value")


def _type_hint(key: str, value: Any, words: str) -> str:
    if key.startswith("priors."):
        return "other forms are not allowed: write Normal(0, 1) or a number"
    if words == "text" and isinstance(value, int | float):
        return "put it between quotes to make it text"
    if words == "boolean" and isinstance(value, str):
        return "write true or false: yes, no, on and off are text in YAML 1.2"
    return ""


def described(value: Any, written: str | None = None) -> str:
    """Return a value for "got ...", as it is written, and never with a secret in it.

    Examples
    --------
    >>> described("yes"), described(True), described(1000.0, "1e3"), described([1])
    ("text 'yes'", 'boolean true', '1e3; write 1000', 'list')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean {str(value).lower()}"
    if isinstance(value, str):
        shown = redact(value)
        return f"text '{shown if len(shown) <= 60 else shown[:57] + '...'}'"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{written or value}; write {int(value)}"
    if isinstance(value, int | float):
        return written or str(value)
    return "list" if isinstance(value, list) else "mapping"


def _missing(key: str, source: SourceMap) -> SpecError:
    parent = key.rpartition(".")[0]
    place = source.where(parent) if parent else Where(file=source.file, line=1, column=1)
    message = "fit.seed is required" if key == "fit.seed" else f"missing '{key}'"
    hints = {"data": "data: {path: data.csv}", "model": "model: {formula: 'y ~ x'}", **HINTS}
    hints["fit"] = "fit.seed is required: fit: {seed: 1}"
    return SpecError("spec.missing", message, place, hints.get(key, ANY_HINT))


def _unknown(key: str, value: Any, source: SourceMap) -> SpecError:
    parent, _, name = key.rpartition(".")
    valid = list(section(parent).model_fields)
    close = _sibling(key) or LEAVES.get(name)
    hint = f"keys of {parent or 'the spec'}: {', '.join(valid)}"
    if parent == "gates" and close is None and isinstance(value, int | float):
        close = "gates.limits"
        hint = "limits go below it: limits: {rhat: 1.01}; 'hiermix gates' lists their names"
    message = f"unknown key '{key}'" + (f"; did you mean '{close}'?" if close else "")
    return SpecError("spec.unknown-key", message, source.where(key), hint)


def _sibling(key: str) -> str | None:
    parent, _, name = key.rpartition(".")
    if name in LEAVES and name not in section(parent).model_fields:
        return None
    found = nearest(name, section(parent).model_fields)
    return joined(parent, found) if found else None
