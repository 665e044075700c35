"""Keys of the spec whose feature is still to come: refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hiermix.errors import SpecError
from hiermix.spec.source import SourceMap
from hiermix.spec.strict_yaml import joined


@dataclass(frozen=True, slots=True)
class NotYet:
    """A key pattern, when its value asks for the missing feature, and what that is."""

    key: str
    asks: Callable[[Any], bool]
    what: str


NOT_YET: tuple[NotYet, ...] = (
    NotYet("model.scale", lambda value: value is True, "standardising predictors for the fit"),
    NotYet("outputs.draws", lambda value: value == "thin", "thinned draws"),
)


def not_supported_yet(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    """Yield an error for each key that asks for a feature that does not exist yet."""
    for key, inner in _paths(value, ""):
        for row in NOT_YET:
            if fnmatchcase(key, row.key) and row.asks(inner):
                message = f"{key} is not supported yet: {row.what}"
                where = source.value(key)
                yield SpecError("spec.not-supported-yet", message, where, f"leave out {key}")


def _paths(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if key:
        yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, joined(key, name))
