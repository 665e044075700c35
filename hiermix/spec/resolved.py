"""A spec written out: as YAML with every default, and as JSON for hashing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hiermix.spec.models import RunSpec
from hiermix.spec.priors import number_text

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
NOT_TEXT_ELSEWHERE = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Keys are text for hiermix; other readers of YAML turn these into something else."""


def resolved_yaml(
    spec: RunSpec,
    priors: Mapping[str, str] | None = None,
    engine: str | None = None,
    link: str | None = None,
) -> str:
    """Return the spec as YAML with every default filled in.

    Loading it again gives an equal ``RunSpec``, with what is passed here in the place of what
    the spec left open.

    Parameters
    ----------
    priors
        Priors with their numbers, by the spec's names. Those that the spec has itself win.
    engine, link
        What was chosen where the spec says ``auto`` or ``null``.
    """
    values = spec.model_dump(mode="json")
    values["priors"] = {**(priors or {}), **values["priors"]}
    if engine is not None and spec.fit.engine == "auto":
        values["fit"]["engine"] = engine
    if link is not None and spec.model.link is None:
        values["model"]["link"] = link
    return "\n".join(_block(values, "")) + "\n"


def canonical_json(spec: RunSpec) -> str:
    """Return the spec as JSON with sorted keys and no blanks: equal specs give equal text."""
    # A part that is not there says nothing: runs keep their names when hiermix learns a new one.
    values = {k: v for k, v in spec.model_dump(mode="json").items() if v is not None}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _block(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{_key(key)}:"
            yield from _block(value, indent + "  ")
        else:
            yield f"{indent}{_key(key)}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    if isinstance(value, float):
        return number_text(value)
    # Text is always quoted: JSON's quotes mean the same in YAML, and nothing can turn into a
    # number, a boolean or a comment.
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    plain = PLAIN_KEY.match(key) and key.lower() not in NOT_TEXT_ELSEWHERE
    return key if plain else json.dumps(key, ensure_ascii=False)
