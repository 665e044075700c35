"""What a column is: number, truth value or category; and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from hiermix.data.tables import RawColumn
from hiermix.errors import DataError, Where

MISSING_WORDS = frozenset({"NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "#N/A", "."})
"""Texts that mean "missing" in a column of numbers, unless ``data.na_values`` says otherwise."""

TRUTH = {"true": True, "false": False}
WHOLE = re.compile(r"[+-]?\d+\Z")
PADDED = re.compile(r"[+-]?0\d")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d|\Z)|\d{1,2}/\d{1,2}/\d{2,4}(\s|\Z)")
MAX_EXACT = 2**53
MOSTLY = 0.5
"""A column with at least this share of numbers is a column of numbers with faults in it."""


def settle(
    raw: RawColumn, role: str, stated: str | None, na_values: tuple[str, ...] | None
) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
    """Decide what a column is.

    Parameters
    ----------
    raw
        Values as read.
    role
        ``category`` for grouping factors, ``numeric`` where numbers are needed, else ``any``.
    stated
        The spec's ``data.types`` for it, if any.
    na_values
        The spec's ``data.na_values``.

    Returns
    -------
    tuple
        The column (``int64``, ``float64``, ``bool`` or ``category``), a mask of missing rows, and
        warnings in words.

    Raises
    ------
    DataError
        Dates, mixed text and numbers, infinite numbers, labels that would merge...
    """
    if raw.kind == "date":
        raise fault(
            raw.name,
            "data.date",
            f"{raw.name}: dates ({raw.type}) are not supported",
            "turn them into a number (days since the start) or a text (the month) in data.query",
        )
    if raw.kind == "other":
        raise fault(
            raw.name,
            "data.type",
            f"{raw.name}: type {raw.type} is not supported",
            "select plain numbers, texts or truth values in data.query",
        )
    wanted = {"text": "category", "integer": "numeric"}.get(stated or "", stated)
    if wanted is None and role != "any":
        wanted = role
    if raw.kind == "text":
        return _text(raw, wanted, stated, na_values)
    missing = raw.missing.copy()
    if raw.kind == "float":
        missing |= np.isnan(raw.values)
        _refuse_infinite(raw.name, raw.values, missing)
    if wanted == "category":
        return _labels_of_numbers(raw, missing), missing, ()
    if raw.kind == "boolean":
        return pd.Series(raw.values.astype(bool)), missing, ()
    dtype = np.int64 if raw.kind == "integer" else np.float64
    return pd.Series(raw.values.astype(dtype)), missing, ()


def fault(column: str, id: str, message: str, hint: str = "") -> DataError:
    """Return an error about one column."""
    return DataError(id, message, Where(key="data.path"), hint)


def rows_text(mask: np.ndarray, limit: int = 3) -> str:
    """Return the numbers of the first rows of a mask in words, e.g. ``rows 4, 9``."""
    rows = np.flatnonzero(mask)[:limit] + 1
    more = ", ..." if mask.sum() > limit else ""
    return f"row{'' if mask.sum() == 1 else 's'} {', '.join(map(str, rows))}{more}"


def _text(
    raw: RawColumn, wanted: str | None, stated: str | None, na_values: tuple[str, ...] | None
) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
    cells = np.array(raw.values, dtype=object)
    cells[raw.missing] = None
    codes, uniques = pd.factorize(cells)
    texts = [str(u) for u in uniques]
    explicit = frozenset(na_values or ())
    empty = np.array([t.strip() == "" or t in explicit for t in texts], dtype=bool)
    if wanted == "category":
        return _labels(raw, codes, texts, empty, stated, na_values)
    word = np.array([na_values is None and t.strip() in MISSING_WORDS for t in texts], dtype=bool)
    number = np.array([bool(NUMBER.match(t.strip())) for t in texts], dtype=bool)
    infinite = np.array(
        [t.strip().lower().lstrip("+-") in ("inf", "infinity") for t in texts], dtype=bool
    )
    counted = np.bincount(codes[codes >= 0], minlength=len(texts))
    known = ~empty & ~word
    total = int(counted[known].sum())
    numeric_rows = int(counted[known & (number | infinite)].sum())
    if total == 0:
        return pd.Series(np.zeros(len(codes))), np.ones(len(codes), dtype=bool), ()
    if numeric_rows < total:
        return _not_all_numbers(
            raw,
            codes,
            texts,
            empty,
            known & ~number & ~infinite,
            numeric_rows / total,
            wanted,
            stated,
            na_values,
        )
    padded = [t for t, n in zip(texts, number, strict=True) if n and PADDED.match(t.strip())]
    if padded and all(WHOLE.match(t.strip()) for t, k in zip(texts, known, strict=True) if k):
        if wanted == "numeric":
            raise fault(
                raw.name,
                "data.padded",
                f"{raw.name}: {padded[0]!r} has leading zeros: a label, not a number",
                f"set data.types.{raw.name}: category, or remove the zeros",
            )
        return _labels(raw, codes, texts, empty, stated, na_values)
    missing = (codes < 0) | np.isin(codes, np.flatnonzero(~known))
    return _numbers(raw.name, codes, texts, known, missing)


def _numbers(
    name: str, codes: np.ndarray, texts: list[str], known: np.ndarray, missing: np.ndarray
) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
    whole = all(WHOLE.match(t.strip()) for t, k in zip(texts, known, strict=True) if k)
    if whole:
        integers = [int(t) if k else 0 for t, k in zip(texts, known, strict=True)]
        huge = [i for i, value in enumerate(integers) if abs(value) > MAX_EXACT]
        if huge:
            at = codes == huge[0]
            raise fault(
                name,
                "data.too-large",
                f"{name}: {texts[huge[0]]} at {rows_text(at, 1)} exceeds 2^53",
                f"an identifier? set data.types.{name}: category",
            )
        lookup = np.array(integers, dtype=np.int64)
    else:
        lookup = np.array([float(t) if k else 0.0 for t, k in zip(texts, known, strict=True)])
    values = lookup[np.maximum(codes, 0)]
    if not whole:
        _refuse_infinite(name, values, missing)
    return pd.Series(values), missing, ()


def _not_all_numbers(
    raw: RawColumn,
    codes: np.ndarray,
    texts: list[str],
    empty: np.ndarray,
    odd: np.ndarray,
    share: float,
    wanted: str | None,
    stated: str | None,
    na_values: tuple[str, ...] | None,
) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
    """Text column: truth values, dates, faulty numbers or labels."""
    present = [t.strip().lower() for t, e in zip(texts, empty, strict=True) if not e]
    if wanted in (None, "boolean") and raw.cells and present and set(present) <= TRUTH.keys():
        missing = (codes < 0) | np.isin(codes, np.flatnonzero(empty))
        lookup = np.array([TRUTH.get(t.strip().lower(), False) for t in texts], dtype=bool)
        return pd.Series(lookup[np.maximum(codes, 0)]), missing, ()
    faulty = np.isin(codes, np.flatnonzero(odd))
    first = texts[int(codes[int(np.argmax(faulty))])]
    if wanted == "numeric" or share >= MOSTLY or _looks_grouped(present):
        raise fault(
            raw.name,
            "data.text-in-numbers",
            f"{raw.name}: text {first[:40]!r} at {rows_text(faulty)}; numbers expected",
            _number_hint(raw.name, first),
        )
    if raw.cells and all(DATE.match(t) for t in present):
        raise fault(
            raw.name,
            "data.date",
            f"{raw.name}: dates such as {first!r} are not supported",
            f"turn them into a number, or set data.types.{raw.name}: category",
        )
    return _labels(raw, codes, texts, empty, stated, na_values)


def _looks_grouped(present: list[str]) -> bool:
    pattern = re.compile(r"[+-]?\d{1,3}([.,]\d{3})*([.,]\d+)?\Z")
    return bool(present) and all(pattern.match(t) for t in present)


def _number_hint(name: str, text: str) -> str:
    if re.match(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?\Z", text.strip()):
        return "remove the thousands separators"
    if re.match(r"[+-]?\d+,\d+\Z", text.strip()):
        return "write decimals with a point"
    return (
        f"if it means missing, add it to data.na_values; for labels set data.types.{name}: category"
    )


def _labels(
    raw: RawColumn,
    codes: np.ndarray,
    texts: list[str],
    empty: np.ndarray,
    stated: str | None,
    na_values: tuple[str, ...] | None,
) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
    """Texts as categories, after looking for labels that only look different."""
    name = raw.name
    kept = [t for t, e in zip(texts, empty, strict=True) if not e]
    if na_values is None:
        for word in ("NA", "NaN", "nan", "null", "NULL", "N/A"):
            if word in kept:
                rows = codes == texts.index(word)
                raise fault(
                    name,
                    "data.ambiguous-missing",
                    f"{name}: {int(rows.sum())} missing from text {word!r}, or is it a label? "
                    "set data.na_values",
                    f"data.na_values: [{word}] makes them missing, [] keeps the label",
                )
    _refuse_pairs(name, kept, str.strip, "blanks", "remove the blanks in the data")
    warnings = []
    for first, second in _pairs(kept, str.casefold):
        warnings.append(f"{name}: {first!r} and {second!r} differ only by case")
    if stated is None:
        _refuse_merging_numbers(name, kept)
    categories = sorted(kept)
    position = {label: i for i, label in enumerate(categories)}
    lookup = np.array([position.get(t, -1) for t in texts] + [-1], dtype=np.int64)
    new = lookup[codes]
    column = pd.Categorical.from_codes(new.tolist(), categories=pd.Index(categories, dtype=object))
    return pd.Series(column), new < 0, tuple(warnings)


def _pairs(labels: list[str], key: Callable[[str], str]) -> list[tuple[str, str]]:
    seen: dict[str, str] = {}
    found = []
    for label in sorted(labels):
        same = seen.setdefault(key(label), label)
        if same != label:
            found.append((same, label))
    return found


def _refuse_pairs(
    name: str, labels: list[str], key: Callable[[str], str], what: str, hint: str
) -> None:
    pairs = _pairs(labels, key)
    if pairs:
        first, second = sorted(pairs[0], key=len)
        raise fault(
            name,
            "data.similar-labels",
            f"{name}: {first!r} and {second!r} differ only by {what}",
            hint,
        )


def _refuse_merging_numbers(name: str, labels: list[str]) -> None:
    if not any(PADDED.match(label) for label in labels):
        return
    numbers: dict[int, list[str]] = {}
    for label in labels:
        if WHOLE.match(label):
            numbers.setdefault(int(label), []).append(label)
    for same in numbers.values():
        if len(same) > 1:
            shown = ",".join(repr(label) for label in sorted(same))
            raise fault(
                name,
                "data.merging-labels",
                f"{name}: labels {shown} would merge as numbers; read as text they are different",
                f"set data.types.{name}: category if they are, or repair the labels",
            )


def _labels_of_numbers(raw: RawColumn, missing: np.ndarray) -> pd.Series:
    values = raw.values
    if raw.kind == "float":
        whole = bool((values[~missing] == np.floor(values[~missing])).all())
        texts = [str(int(v)) if whole else repr(float(v)) for v in np.where(missing, 0, values)]
    elif raw.kind == "boolean":
        texts = ["true" if v else "false" for v in values]
    else:
        texts = [str(int(v)) for v in values]
    labels = np.array(texts, dtype=object)
    categories = pd.Index(sorted(set(labels[~missing])), dtype=object)
    codes = categories.get_indexer(pd.Index(labels, dtype=object))
    codes[missing] = -1
    return pd.Series(pd.Categorical.from_codes(codes.tolist(), categories=categories))


def _refuse_infinite(name: str, values: np.ndarray, missing: np.ndarray) -> None:
    bad = np.isinf(values) & ~missing
    if bad.any():
        raise fault(
            name,
            "data.infinite",
            f"{name}: inf at {rows_text(bad)}",
            "infinite values cannot be modelled; use censored(...) for values beyond a limit",
        )
