"""Structural faults of delimited files, in words and with line numbers.

DuckDB's reader is fast but forgiving; rows of the wrong length, quotes that never close and
wrong delimiters are found here first.
"""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

from hiermix.data.source import path_error

BOM = codecs.BOM_UTF8
SCAN_LIMIT = 512 * 1024 * 1024
"""Bytes up to which every line is checked; beyond, DuckDB's strict reader has to do."""

CHUNK = 1024 * 1024
OTHER_DELIMITERS = ";\t|,"


def check_delimited(path: Path, delimiter: str) -> tuple[str, ...]:
    """Check a delimited file and return its header.

    Raises
    ------
    DataError
        Empty, binary, not UTF-8, no rows, duplicate or empty column names, a row of another
        length, or a quote that is never closed; with the line.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip(b"\r\n\t ,;" + BOM):
        raise path_error("data.no-header", f"{path.name}: no header: the file is empty")
    _check_bytes(path, start)
    header = _header(path, delimiter)
    _check_header(path, header, delimiter)
    if size <= SCAN_LIMIT:
        _check_rows(path, delimiter, len(header))
    return header


def _check_bytes(path: Path, start: bytes) -> None:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise path_error(
            "data.not-utf8", f"{path.name}: not UTF-8 (UTF-16 BOM)", "save the file as UTF-8"
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            zero = chunk.find(b"\0")
            if zero >= 0:
                raise path_error(
                    "data.binary",
                    f"{path.name}: binary data (a zero byte at byte {done + zero + 1})",
                    "a text file is needed; the ending of the name tells the format",
                )
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                pending = len(error.object) - len(chunk)
                place = done - pending + error.start + 1
                binary = sum(byte < 9 for byte in start) > len(start) // 50
                raise path_error(
                    "data.binary" if binary else "data.not-utf8",
                    f"{path.name}: " + ("binary data" if binary else f"not UTF-8 at byte {place}"),
                    "convert the file to UTF-8, for example with iconv",
                ) from None
            done += len(chunk)


def _header(path: Path, delimiter: str) -> tuple[str, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            return tuple(next(csv.reader(file, delimiter=delimiter, strict=True), ()))
        except csv.Error as error:
            raise path_error("data.header", f"{path.name}: line 1: {error}") from None


def _check_header(path: Path, header: tuple[str, ...], delimiter: str) -> None:
    if len(header) == 1:
        for other in OTHER_DELIMITERS:
            if other != delimiter and other in header[0]:
                shown = "tab" if other == "\t" else repr(other)
                raise path_error(
                    "data.delimiter",
                    f"{path.name}: 1 column found; delimiter looks like {shown}",
                    "save with commas, or use the ending .tsv for tabs",
                )
    seen: dict[str, int] = {}
    for number, name in enumerate(header, start=1):
        if name == "":
            raise path_error("data.header", f"{path.name}: column {number} has no name")
        if name in seen:
            raise path_error(
                "data.duplicate-column",
                f"{path.name}: {name!r} at columns {seen[name]} and {number}",
                "rename one of them",
            )
        seen[name] = number


def _check_rows(path: Path, delimiter: str, width: int) -> None:
    rows = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        try:
            next(reader)
            line = reader.line_num + 1
            for row in reader:
                if len(row) != width and not (not row and width > 1):
                    raise path_error(
                        "data.ragged",
                        f"{path.name}: line {line}: {len(row)} fields, expected {width}",
                        "a value with the delimiter in it needs quotes",
                    )
                rows += bool(row)
                line = reader.line_num + 1
        except csv.Error as error:
            message = f"line {line}: {error}"
            if "unexpected end of data" in str(error):
                message = f"quote opened on line {line} never closed"
            elif "field larger than" in str(error):
                message = f"line {line}: a field of over 131,072 characters; a quote not closed?"
            raise path_error("data.quote", f"{path.name}: {message}") from None
    if rows == 0:
        raise path_error("data.no-rows", f"{path.name}: 0 rows below the header")
