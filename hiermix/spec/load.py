"""From text to a checked spec: read, override, check everything, report all errors at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from hiermix.errors import HiermixError, InputErrors
from hiermix.spec.characters import decode
from hiermix.spec.checks import meaning_errors
from hiermix.spec.models import RunSpec
from hiermix.spec.not_yet import not_supported_yet
from hiermix.spec.overrides import SET, apply_overrides
from hiermix.spec.priors import parse_prior
from hiermix.spec.problems import shape_errors
from hiermix.spec.source import SourceMap
from hiermix.spec.strict_yaml import read_document


@dataclass(frozen=True)
class LoadedSpec:
    """A checked spec with where everything stands in its text.

    Attributes
    ----------
    spec
        The values, defaults filled in, priors in their full spelling.
    source
        Position of every key, for the messages of later stages.
    text
        The text as given.
    origin
        Name of the file for messages; ``<stdin>`` for standard input.
    overrides
        The ``--set`` texts, in order.
    """

    spec: RunSpec
    source: SourceMap
    text: str
    origin: str
    overrides: tuple[str, ...]


def load_spec(text: str | bytes, origin: str, overrides: Sequence[str] = ()) -> LoadedSpec:
    r"""Read and check a spec.

    Parameters
    ----------
    text
        The YAML; bytes have to be UTF-8.
    origin
        File name for messages; the run's default name comes from it.
    overrides
        ``key.path=value`` texts, applied in order before anything is checked.

    Raises
    ------
    SpecError, FormulaError, PriorError
        If there is one error.
    InputErrors
        If there are several: all of them, in the order of the text.

    Examples
    --------
    >>> text = "data: {path: d.csv}\nmodel: {formula: y ~ x}\nfit: {seed: 1}"
    >>> load_spec(text, "sleep.yaml", ["fit.draws=2000"]).spec.fit.draws
    2000
    """
    document = apply_overrides(read_document(text, origin), overrides)
    value: dict[str, Any] = document.value
    source = document.source
    found = [
        *document.errors,
        *meaning_errors(value, source),
        *not_supported_yet(value, source),
    ]
    known = {error.where.key for error in found if error.id != "spec.duplicate-key"}
    # What is wrong with a value in a better-known way is not repeated as a wrong type.
    shape = [e for e in shape_errors(value, source) if _is_new(e, known)]
    errors = [*found, *shape]
    if errors:
        raise _together(errors)
    value.setdefault("name", default_name(origin))
    value["priors"] = {name: _canonical(p) for name, p in (value.get("priors") or {}).items()}
    spec = RunSpec.model_validate(value)
    return LoadedSpec(spec, source, decode(text, origin), origin, tuple(overrides))


def default_name(origin: str) -> str:
    """Return the name that a spec without one has: its file's name, without odd characters.

    Examples
    --------
    >>> default_name("specs/ab by country.yaml")
    'ab-by-country'
    >>> default_name("<stdin>")
    'stdin'
    """
    stem = PurePath(origin).stem
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")
    return slug[:100] or "model"


def _canonical(prior: str | float) -> str | float:
    return parse_prior(prior).text if isinstance(prior, str) else prior


def _is_new(error: HiermixError, known: set[str | None]) -> bool:
    return error.id in {"spec.unknown-key", "spec.missing"} or error.where.key not in known


def _together(errors: list[HiermixError]) -> HiermixError:
    def order(error: HiermixError) -> tuple[bool, int, int]:
        return error.where.file == SET, error.where.line or 0, error.where.column or 0

    return errors[0] if len(errors) == 1 else InputErrors(sorted(errors, key=order))
