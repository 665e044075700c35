"""The JSON Schema of the spec, for editors."""

from __future__ import annotations

from typing import Any

from hiermix.spec.models import RunSpec


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a spec, with a description for every key.

    It says what editors can check while typing. ``hiermix validate`` checks more: the formula,
    the arguments of priors, what depends on two keys, and the data.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hiermix spec",
        **_without_titles(RunSpec.model_json_schema()),
    }


def _without_titles(schema: Any) -> Any:
    # Pydantic's titles only repeat the keys.
    if isinstance(schema, dict):
        return {
            key: _without_titles(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_without_titles(value) for value in schema]
    return schema
