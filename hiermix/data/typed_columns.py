"""Columns with a type of their own: Parquet, Arrow, databases, results of queries."""

from __future__ import annotations

from hiermix.data.reading import MAX_EXACT, Reading, Refusal, Rules
from hiermix.data.table import RawColumn, Table
from hiermix.data.text_columns import dates_refused, read_text

INTEGERS = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    }
)
REALS = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
TEXTS = frozenset({"VARCHAR", "ENUM", "UUID"})
DATES = ("DATE", "TIME", "INTERVAL")
"""Beginnings of the names of types of dates and times."""


def read_column(table: Table, column: RawColumn, rules: Rules) -> Reading:
    """Decide what a column becomes.

    Raises
    ------
    DataError
        The values do not fit what is asked, or have no place in a model.
    """
    refusal = Refusal(table, column, rules)
    if column.problem:
        raise refusal.because("data.mixed-types", column.problem, "make one type of it in the file")
    type_ = column.type.split("(")[0]
    if column.type.endswith("]"):
        type_ = "LIST"
    if type_ in TEXTS:
        return read_text(table, column, rules)
    if type_ in INTEGERS:
        return _integers(refusal)
    if type_ in REALS:
        return _integers(refusal) if _scale(column) == 0 else _reals(refusal)
    if type_ == "BOOLEAN":
        return _truths(refusal)
    if type_ == '"NULL"':
        return Reading("float64", "CAST(NULL AS DOUBLE)")
    if type_.startswith(DATES):
        if not rules.labels:
            raise dates_refused(refusal)
        return Reading("category", f"CAST({column.sql} AS VARCHAR)")
    raise refusal.because(
        "data.type",
        f"{type_} columns are not supported",
        "make a number or a text of it in data.query",
    )


def _scale(column: RawColumn) -> int | None:
    """Return the digits after the point that a DECIMAL keeps."""
    return int(column.type.rstrip(")").split(",")[1]) if "," in column.type else None


def _integers(refusal: Refusal) -> Reading:
    sql, rules = refusal.column.sql, refusal.rules
    if rules.labels:
        return Reading("category", f"CAST({sql} AS VARCHAR)")
    if rules.explicit == "boolean":
        return _zero_one(refusal, sql)
    exact = rules.explicit == "numeric"
    beyond = f"abs(CAST({sql} AS HUGEINT)) > {MAX_EXACT}"
    beyond = beyond if exact else f"({sql} IS NOT NULL AND TRY_CAST({sql} AS BIGINT) IS NULL)"
    if refusal.table.row(f"count(*) FILTER ({beyond})")[0]:
        raise refusal.shown(
            "data.integer-too-large",
            sql,
            beyond,
            after=" exceeds 2^53",
            hint=f"set data.types.{refusal.column.name}: category if it is an identifier",
        )
    return Reading("float64", f"CAST({sql} AS DOUBLE)") if exact else _bigint(sql)


def _bigint(sql: str) -> Reading:
    return Reading("int64", f"CAST({sql} AS BIGINT)")


def _reals(refusal: Refusal) -> Reading:
    sql = f"CAST({refusal.column.sql} AS DOUBLE)"
    # NaN is how floating-point columns say that there is no value.
    value = f"CASE WHEN NOT isnan({sql}) THEN {sql} END"
    infinite = f"isinf({sql})"
    if refusal.table.row(f"count(*) FILTER ({infinite})")[0]:
        raise refusal.shown(
            "data.not-finite",
            sql,
            infinite,
            after=" is not finite",
            hint="correct the value, or leave the row out with data.query",
        )
    match refusal.rules.explicit:
        case "integer":
            _refuse_fractions(refusal, value, "is not an integer", "")
            return _bigint(value)
        case "boolean":
            return _zero_one(refusal, value)
    return _real_labels(refusal, value) if refusal.rules.labels else Reading("float64", value)


def _real_labels(refusal: Refusal, value: str) -> Reading:
    """Name levels by whole numbers: other tools store integers with gaps as floats."""
    name = refusal.column.name
    if refusal.column.type.startswith("DECIMAL"):
        return Reading("category", f"CAST({refusal.column.sql} AS VARCHAR)")
    fractions = refusal.table.row(f"count(*) FILTER ({_fraction(value)})")[0]
    if fractions and refusal.rules.explicit is not None:
        return Reading("category", f"CAST({value} AS VARCHAR)")
    _refuse_fractions(
        refusal,
        value,
        "is a floating-point number, not a label",
        f"set data.types.{name}: category, or make labels of it in data.query",
    )
    warning = f"{name}: whole floating-point numbers read as the labels of integers"
    return Reading("category", f"CAST(CAST({value} AS BIGINT) AS VARCHAR)", warnings=(warning,))


def _fraction(value: str) -> str:
    return f"({value} <> floor({value}) OR abs({value}) > {MAX_EXACT})"


def _refuse_fractions(refusal: Refusal, value: str, problem: str, hint: str) -> None:
    if refusal.table.row(f"count(*) FILTER ({_fraction(value)})")[0]:
        raise refusal.shown(
            "data.not-integer", value, _fraction(value), after=f" {problem}", hint=hint
        )


def _truths(refusal: Refusal) -> Reading:
    sql = refusal.column.sql
    if refusal.rules.labels:
        return Reading("category", f"CAST({sql} AS VARCHAR)")
    match refusal.rules.explicit:
        case "numeric":
            return Reading("float64", f"CAST(CAST({sql} AS INTEGER) AS DOUBLE)")
        case "integer":
            return _bigint(sql)
    return Reading("bool", sql)


def _zero_one(refusal: Refusal, sql: str) -> Reading:
    wrong = f"{sql} NOT IN (0, 1)"
    if refusal.table.row(f"count(*) FILTER ({wrong})")[0]:
        raise refusal.shown(
            "data.not-boolean", sql, wrong, after=" is not a truth value", hint="0 and 1 are"
        )
    return Reading("bool", f"({sql} = 1)")
