"""Tables of predictions as CSV, JSON or Parquet, a batch at a time."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from hiermix.artefacts.delimited import csv_line, csv_lines
from hiermix.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from hiermix.studies.predict import Batch

Format = Literal["csv", "json", "jsonl", "parquet"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""Suffix of a file -> format."""

NUMBERS = ("mean", "sd", "lower", "upper")
OWN = ("row", "category", "new_levels", *NUMBERS)
"""Columns that a table of predictions has besides those of the new data."""

Table = dict[str, list[Any]]


def table_of(batch: Batch) -> Table:
    """Return the columns of a batch as lists: one line a row, or one for each category of a row.

    A number that is missing is ``None``. A column of the new data whose name is one of `OWN` is
    called ``data_`` and that.

    Raises
    ------
    UsageError
        Two columns would have one name.
    """
    lines = 1 if batch.categories is None else len(batch.categories)
    table: Table = {"row": _repeated(batch.chunk.numbers.tolist(), lines)}
    for name, values in batch.chunk.kept.items():
        if kept_name(name) in table:
            raise UsageError(
                "usage.kept-twice",
                f"--keep: two columns would be called {kept_name(name)!r}",
                hint=f"{name!r} is a column of the predictions; rename it in the new data",
            )
        table[kept_name(name)] = _repeated(values.tolist(), lines)
    if batch.categories is not None:
        table["category"] = list(batch.categories) * len(batch.chunk)
    table["new_levels"] = _repeated(batch.new_levels.tolist(), lines)
    for name in NUMBERS:
        values = getattr(batch.summary, name)
        known = np.isfinite(values)
        table[name] = [v if ok else None for v, ok in zip(values.tolist(), known, strict=True)]
    return table


def kept_name(name: str) -> str:
    """Return what a column of the new data is called in a table of predictions."""
    return f"data_{name}" if name in OWN else name


def _repeated(values: list[Any], times: int) -> list[Any]:
    return values if times == 1 else [value for value in values for _ in range(times)]


def write_text(stream: IO[str], tables: Iterable[Table], format: Format) -> None:
    """Write tables to a text stream, as CSV, as a JSON list or as JSON lines."""
    if format == "csv":
        _write_csv(stream, tables)
    elif format == "jsonl":
        for record in _records(tables):
            stream.write(record + "\n")
    else:
        start = "[\n"
        for record in _records(tables):
            stream.write(start + record)
            start = ",\n"
        stream.write("\n]\n" if start == ",\n" else "[]\n")


def _write_csv(stream: IO[str], tables: Iterable[Table]) -> None:
    for i, table in enumerate(tables):
        if i == 0:
            stream.write(csv_line(table))
        stream.writelines(csv_lines(list(table.values())))


def _records(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        for row in zip(*table.values(), strict=True):
            record = dict(zip(table, map(_plain, row), strict=True))
            yield json.dumps(record, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value - value != 0 else value


def write_file(
    path: Path, tables: Iterable[Table], format: Format, kept: Mapping[str, str]
) -> None:
    """Write tables to a file: whole, or not at all.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    tables, format
        What to write and how.
    kept
        Column of the new data -> ``int64``, ``float64``, ``bool`` or ``string``.

    Raises
    ------
    EnvironmentFault
        The file cannot be written.
    """
    # What a link points to is written, not the link.
    path = path.resolve()
    fresh = path.parent / f".{path.name}.tmp-{os.getpid()}"
    try:
        if format == "parquet":
            _write_parquet(fresh, tables, kept)
        else:
            with fresh.open("w", encoding="utf-8", errors="replace", newline="") as stream:
                write_text(stream, tables, format)
        if path.exists():
            fresh.chmod(stat.S_IMODE(path.stat().st_mode))
        fresh.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentFault(
            "predict.write",
            f"cannot write '{path}': {reason}",
            hint="-o names a file in a folder that exists; '-o -' prints",
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def _write_parquet(path: Path, tables: Iterable[Table], kept: Mapping[str, str]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {kept_name(name): type for name, type in kept.items()}
    types |= {"row": "int64", **dict.fromkeys(NUMBERS, "float64")}
    writer: Any = None
    try:
        for table in tables:
            if writer is None:
                fields = [(name, pa.type_for_alias(types.get(name, "string"))) for name in table]
                writer = parquet.ParquetWriter(path, pa.schema(fields))
            writer.write_table(pa.table(table, schema=pa.schema(fields)))
    finally:
        if writer is not None:
            writer.close()
