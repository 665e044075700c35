"""What a model states, as plain values: enough to write it down as equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiermix.formula import Expression, parse_formula, parse_right_side

if TYPE_CHECKING:
    from hiermix.pipeline import Prepared


def statement(prepared: Prepared) -> dict[str, Any]:
    """Return the statement of a model for the manifest.

    ``response``: ``kind``, the text of its ``expression``, its other ``arguments`` by name (the
    trials of a proportion...), its ``categories``. ``known_se``: the column, or nothing. ``parts``:
    the terms of each linear predictor by the parameter that it is of, with the texts of its
    ``offsets``. ``contextual``: columns that are level means.
    """
    # Imported here: scipy takes longer than commands that read a finished run may last.
    from hiermix.design.facts import contextual_facts, part_facts

    design, model = prepared.design, prepared.loaded.spec.model
    formula = parse_formula(model.formula)
    said = formula.response
    formulas = {name: parse_right_side(text) for name, text in model.components.items()}
    formulas[design.main.parameter] = formula
    return {
        "response": {
            "kind": design.response.kind,
            "expression": design.response.name if said is None else said.expression.render(),
            "arguments": {} if said is None else _texts(said.arguments),
            "categories": list(design.response.levels or ()),
        },
        "known_se": model.known_se,
        "rows": prepared.frame.n_rows,
        "parts": {
            part.parameter: {
                **part_facts(part),
                "offsets": [offset.render() for offset in formulas[part.parameter].offsets],
            }
            for part in (design.main, *design.components.values())
        },
        "contextual": list(contextual_facts(design)),
    }


def _texts(arguments: Any) -> dict[str, str]:
    return {
        name: value.render() if isinstance(value, Expression) else f"{value:g}"
        for name, value in arguments.items()
        if value is not None
    }
