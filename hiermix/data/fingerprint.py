"""A hash of what a model sees, whatever file it came from."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd


def fingerprint(
    table: pd.DataFrame, multiplicity: np.ndarray | None = None, within_ss: float = 0.0
) -> str:
    """Return the SHA-256 of column names, types and values, in order.

    Parameters
    ----------
    table
        Columns of int64, float64, bool, or category with text levels that all occur.
    multiplicity, within_ss
        Of merged rows, as in `hiermix.data.frame.Frame`.

    Notes
    -----
    Two frames have the same hash if and only if they are equal, up to the sign of zero.
    """
    digest = hashlib.sha256()
    for name in table.columns:
        values, levels = _plain(table[name])
        head = [str(name), values.dtype.str, len(values), levels]
        text = json.dumps(head, ensure_ascii=True).encode()
        digest.update(len(text).to_bytes(8, "little"))
        digest.update(text)
        digest.update(np.ascontiguousarray(values).data)
    if multiplicity is not None:
        digest.update(multiplicity.astype("<i8").data)
        digest.update(np.array([within_ss], dtype="<f8").data)
    return digest.hexdigest()


def _plain(column: pd.Series) -> tuple[np.ndarray, list[str] | None]:
    """Return fixed-size little-endian values, and the levels that codes count in."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype("<i4"), [str(c) for c in column.cat.categories]
    values = column.to_numpy()
    if values.dtype == np.bool_:
        return values.astype("u1"), None
    if np.issubdtype(values.dtype, np.integer):
        return values.astype("<i8"), None
    return values.astype("<f8") + 0.0, None
