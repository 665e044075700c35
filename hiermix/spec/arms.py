"""``arms``: the two arms of a test, and what the spec alone can tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from hiermix.errors import FormulaError, SpecError
from hiermix.formula import Formula, parse_formula
from hiermix.spec.nearest import did_you_mean, either
from hiermix.spec.part import Part, Text
from hiermix.spec.source import SourceMap

ARM, SUCCESSES, TRIALS = "arm", "successes", "trials"
"""Columns that rows of counts of both arms are given, one row an arm."""

MADE = (ARM, SUCCESSES, TRIALS)

SIDES = ("control", "treatment")

LONG_FAMILIES = ("bernoulli", "binomial", "beta_binomial")
"""Families whose formula is about the rate of an arm."""

WIDE_FAMILIES = ("binomial", "beta_binomial")

LONG = "arms: {column: treated, control: 0, treatment: 1}"
WIDE = "control: {successes: conversions_a, trials: users_a}"


class ArmCounts(Part):
    """Columns with the counts of one arm."""

    successes: Text = Field(description="Column of successes of this arm.")
    trials: Text = Field(description="Column of trials (users) of this arm.")


class ArmsSpec(Part):
    """Which rows, or which columns, belong to which of two arms."""

    column: Text | None = Field(
        default=None,
        description="Column that says which arm a row belongs to, a predictor of the formula. "
        "None: each row of the file has the counts of both arms.",
    )
    control: ArmCounts | bool | float | Text = Field(
        description="Value of the column in the control arm; without a column the control's "
        "counts: {successes: conversions_a, trials: users_a}."
    )
    treatment: ArmCounts | bool | float | Text = Field(description="The same of the treatment arm.")
    users: Literal["per-arm", "total"] | None = Field(
        default=None,
        description="What one column of trials for both arms counts: users of each arm (per-arm), "
        "or of both together, half of them in each (total). Required there.",
    )

    @property
    def counts(self) -> tuple[ArmCounts, ArmCounts] | None:
        """Columns of control and treatment, where a row has both arms."""
        pair = self.control, self.treatment
        if isinstance(pair[0], ArmCounts) and isinstance(pair[1], ArmCounts):
            return pair[0], pair[1]
        return None


def arms_errors(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    """Yield what is wrong with ``arms`` whatever the data are.

    Values of the wrong type are passed over: they are errors already.
    """
    arms = value.get("arms")
    if not isinstance(arms, dict):
        return
    given = [arms.get(side) for side in SIDES]
    if any(isinstance(one, dict) for one in given):
        yield from _wide(arms, value, source)
    elif all(one is not None and not isinstance(one, list) for one in given):
        yield from _long(arms, value, source)


def _wide(
    arms: Mapping[str, Any], value: Mapping[str, Any], source: SourceMap
) -> Iterator[SpecError]:
    for side in SIDES:
        if side in arms and not isinstance(arms[side], dict):
            message = f"arms.{side}: successes and trials expected, as of the other arm"
            where = source.value(f"arms.{side}")
            yield SpecError("arms.mixed", message, where, f"write {side}{WIDE[7:]}")
    if arms.get("column") is not None:
        message = "arms.column says which arm a row is of; these rows have the counts of both"
        hint = "leave it out, or give values of the column as control and treatment"
        yield SpecError("arms.mixed", message, source.where("arms.column"), hint)
    yield from _columns(arms, source)
    yield from _users(arms, source)
    model = value.get("model")
    if isinstance(model, dict) and not model.get("known_se"):
        yield from _family(model, WIDE_FAMILIES, source)
        yield from _unfolded(model, source)


def _names(arms: Mapping[str, Any], side: str) -> dict[str, str]:
    counts = arms.get(side)
    pairs = counts.items() if isinstance(counts, dict) else ()
    return {key: name for key, name in pairs if isinstance(name, str) and name}


def _columns(arms: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    control, treatment = (_names(arms, side) for side in SIDES)
    for side, names in zip(SIDES, (control, treatment), strict=True):
        if len(names) == 2 and names.get("successes") == names.get("trials"):
            message = f"arms.{side}: '{names['trials']}' cannot be both successes and trials"
            where = source.value(f"arms.{side}.successes")
            yield SpecError("arms.same-column", message, where, "name the column of successes")
    if "successes" in control and control["successes"] == treatment.get("successes"):
        message = f"arms: both arms have the successes '{control['successes']}'"
        where = source.value("arms.treatment.successes")
        hint = f"name a column for each; for one row an arm write {LONG}"
        yield SpecError("arms.same-column", message, where, hint)


def _users(arms: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    control, treatment = (_names(arms, side).get("trials") for side in SIDES)
    if control is None or treatment is None:
        return
    users = arms.get("users")
    if control == treatment and users is None:
        message = f"arms: does '{control}' count the users of each arm, or of both together?"
        hint = "add `users: per-arm` or `users: total`"
        yield SpecError("arms.users", message, source.where("arms"), hint)
    elif control != treatment and users == "total":
        message = f"arms.users: '{control}' and '{treatment}' are users of one arm each"
        hint = "leave it out, or write `users: per-arm`"
        yield SpecError("arms.users", message, source.value("arms.users"), hint)


def _long(
    arms: Mapping[str, Any], value: Mapping[str, Any], source: SourceMap
) -> Iterator[SpecError]:
    control, treatment = (arms[side] for side in SIDES)
    if control == treatment:
        message = f"arms: control and treatment are both {control!r}"
        where = source.value("arms.treatment")
        yield SpecError("arms.same-value", message, where, "name the value of each arm")
    if arms.get("users") is not None:
        message = "arms.users is of one column of trials for both arms"
        hint = "leave it out: a row of the data has the trials of its own arm"
        yield SpecError("arms.users", message, source.where("arms.users"), hint)
    model = value.get("model")
    model = model if isinstance(model, dict) else {}
    if model.get("known_se"):
        message = "arms: a row with a known standard error is of both arms"
        hint = f"name the counts behind it, {WIDE} and so on, to have the errors checked"
        yield SpecError("arms.known-se", message, source.where("arms"), hint)
    else:
        yield from _family(model, LONG_FAMILIES, source)
    column = arms.get("column")
    if column is None:
        message = "missing 'arms.column': which column says the arm of a row?"
        hint = f"write {LONG}, or of rows with both arms {WIDE} and so on"
        yield SpecError("arms.no-column", message, source.where("arms"), hint)
    elif isinstance(column, str) and column:
        yield from _predictor(column, model, source)


def _family(
    model: Mapping[str, Any], families: tuple[str, ...], source: SourceMap
) -> Iterator[SpecError]:
    family = model.get("family") or "gaussian"
    if isinstance(family, str) and family not in families:
        message = f"arms: counts need family {either(families)}, got {family}"
        hint = "leave out `arms`, or set model.family: binomial"
        yield SpecError("arms.family", message, source.where("arms"), hint)


def _formula(model: Mapping[str, Any]) -> Formula | None:
    text = model.get("formula")
    try:
        return parse_formula(text) if isinstance(text, str) and text else None
    except FormulaError:
        return None


def _unfolded(model: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    formula = _formula(model)
    if formula is None:
        return
    response = formula.response
    hint = f"write p({SUCCESSES}, {TRIALS}) ~ {ARM} + ..., with {ARM} 0 in the control arm, 1 in "
    hint += "the treatment arm"
    if response is None or response.variables != (SUCCESSES, TRIALS):
        message = "arms: rows of both arms become one row an arm, with columns "
        message += f"{ARM}, {SUCCESSES} and {TRIALS}: the response is p({SUCCESSES}, {TRIALS})"
        yield SpecError("arms.response", message, source.value("model.formula"), hint)
    if ARM not in _predictors(formula):
        message = f"arms: the formula has no effect of '{ARM}'"
        yield SpecError("arms.no-effect", message, source.value("model.formula"), hint)


def _predictor(column: str, model: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    formula = _formula(model)
    if formula is None:
        return
    where = source.value("arms.column")
    predictors = _predictors(formula)
    if any(column in block.factor for block in formula.group_terms):
        message = f"arms.column: '{column}' is a grouping factor"
        hint = "two arms are a predictor: y ~ treated + (treated | g)"
        yield SpecError("arms.column", message, where, hint)
    elif column not in predictors:
        message = f"arms.column: '{column}' is not a predictor of the formula"
        message += did_you_mean(column, predictors)
        hint = f"predictors: {', '.join(predictors) or 'none'}"
        yield SpecError("arms.column", message, where, hint)


def _predictors(formula: Formula) -> list[str]:
    """Return the columns that have effects, common or by level."""
    terms = [*formula.terms, *(term for block in formula.group_terms for term in block.terms)]
    return list(dict.fromkeys(v for term in terms for v in term.variables))
