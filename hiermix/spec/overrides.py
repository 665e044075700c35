"""``--set key.path=value``: change a spec as if it had been edited."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hiermix.errors import HiermixError, InputErrors, SpecError, Where
from hiermix.spec.models import FREE_MAPS
from hiermix.spec.source import Place, SourceMap, where_at
from hiermix.spec.strict_yaml import Document, read_value

SET = "--set"


def apply_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """Return the document with every override applied, in order.

    The positions of what an override sets point into its text, under the file ``--set``.

    Raises
    ------
    InputErrors
        If an override cannot be read or its path runs through something that is no mapping.
    """
    value = copy.deepcopy(document.value)
    places = dict(document.source.places)
    errors = list(document.errors)
    broken: list[HiermixError] = []
    for override in overrides:
        try:
            key, new = _read(override)
            _assign(value, key, new.value, override)
        except SpecError as error:
            broken.append(error)
            continue
        path = ".".join(key)
        within = f"{path}."
        places = {k: p for k, p in places.items() if k != path and not k.startswith(within)}
        errors = [e for e in errors if not f"{e.where.key}.".startswith(within)]
        start = (1, 1)
        whole = Place(
            SET, (override,), start, (1, len(override.partition("=")[0]) + 2), "plain", ""
        )
        placed = {k: _from_key(p) if k == path else p for k, p in new.source.places.items()}
        places |= {path: whole, **placed}
        errors += new.errors
    if broken:
        raise InputErrors([*document.errors, *broken])
    source = SourceMap(document.source.file, document.source.lines, places)
    return Document(value, source, tuple(errors))


def split_key(key: str) -> tuple[str, ...]:
    """Split a key path at its dots, but not inside names that are the user's.

    Examples
    --------
    >>> split_key("fit.draws")
    ('fit', 'draws')
    >>> split_key("priors.price.eur")
    ('priors', 'price.eur')
    """
    parts = key.split(".")
    for n in range(1, len(parts)):
        if ".".join(parts[:n]) in FREE_MAPS:
            return (*parts[:n], ".".join(parts[n:]))
    return tuple(parts)


def _read(override: str) -> tuple[tuple[str, ...], Document]:
    key, equals, _ = override.partition("=")
    start = Where(file=SET, source=override.split("\n")[0], caret=1, width=max(len(key), 1))
    hint = "for example --set fit.draws=2000"
    if not equals or "\n" in override or "\r" in override:
        raise SpecError("spec.bad-override", "key.path=value expected, on one line", start, hint)
    parts = split_key(key.strip())
    if not all(parts):
        raise SpecError("spec.bad-override", f"'{key}' is no key path", start, hint)
    return parts, read_value(override, SET, len(key) + 1, ".".join(parts))


def _assign(root: Any, key: tuple[str, ...], new: Any, override: str) -> None:
    """Set ``root[key] = new``, making the mappings on the way that are missing or null."""
    target = root
    for n, part in enumerate(key):
        last = n == len(key) - 1
        if isinstance(target, list):
            target = _assign_item(target, part, new, last, key[:n], override)
        elif not isinstance(target, dict):
            raise _no_way(f"'{'.'.join(key[:n])}' is no mapping", override)
        elif last:
            target[part] = new
        else:
            if target.get(part) is None:
                target[part] = {}
            target = target[part]


def _assign_item(
    items: list[Any], part: str, new: Any, last: bool, parents: tuple[str, ...], override: str
) -> Any:
    position = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else -1
    if not 0 <= position <= len(items):
        message = f"'{'.'.join(parents)}' is a list of {len(items)}: '{part}' is no place in it"
        raise _no_way(message, override)
    if position == len(items):
        items.append({})
    if last:
        items[position] = new
    return items[position]


def _no_way(message: str, override: str) -> SpecError:
    where = where_at(SET, (override,), (1, 1), width=len(override.partition("=")[0]))
    return SpecError("spec.bad-override", message, where, "set the whole entry instead")


def _from_key(place: Place) -> Place:
    return Place(place.file, place.lines, (1, 1), place.value_at, place.style, place.text)
