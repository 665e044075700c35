"""The data as the later stages see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from hiermix.measurement import Measurement

Role = Literal["any", "numeric", "category"]
"""What the model needs a column to be: ``category`` for grouping factors and ``C()``."""


@dataclass(frozen=True)
class Frame:
    """Rows and columns of one model.

    Attributes
    ----------
    table
        Only the columns that the model uses, a row each or, merged, one row for all that are equal,
        in file order. Numbers are ``int64``
        or ``float64``, truth values ``bool``, text is ``category`` (levels sorted as text, no
        unused levels; grouping factors always are ``category`` with text levels).
    row_numbers
        Shape ``(len(table),)``: 1-based number of each row, of merged ones the first, among the
        data rows that were read (the header does not count), for messages.
    sha256
        Hash of names, types and values of ``table``, and of how often merged rows occur;
        independent of the file format.
    n_read
        Rows before ``missing: drop``.
    dropped
        Column -> rows that lacked a value there (a row can count in several columns).
    all_columns
        Every column of the source, used or not, in order.
    measurements
        Measured facts for the gates of the data phase.
    warnings
        Sentences for a person: what was read in a way that could surprise.
    multiplicity
        Shape ``(len(table),)``: how many rows each stands for; ``None`` where none are merged.
    within_ss
        Of merged rows the sum of squares of the averaged column about the means in ``table``.
    """

    table: pd.DataFrame
    row_numbers: np.ndarray
    sha256: str
    n_read: int
    dropped: Mapping[str, int]
    all_columns: tuple[str, ...]
    measurements: tuple[Measurement, ...] = ()
    warnings: tuple[str, ...] = ()
    multiplicity: np.ndarray | None = None
    within_ss: float = 0.0

    @property
    def n_rows(self) -> int:
        """Rows that the model uses, each counted as often as it occurs."""
        return len(self.table) if self.multiplicity is None else int(self.multiplicity.sum())
