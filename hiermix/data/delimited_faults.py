"""What is wrong with a text file, in words that name the byte or the line."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

from hiermix.data.words import PATH, counted
from hiermix.errors import DataError

CHUNK = 1 << 22
"""Bytes that are looked at in one go."""

OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CONVERT = "convert the file to UTF-8, for example with iconv"


def check_bytes(path: Path, file: str) -> bool:
    """Refuse a file that is not text in UTF-8.

    Costs one pass over the bytes, in constant memory.

    Returns
    -------
    bool
        Whether there is a double quote in it.

    Raises
    ------
    DataError
        The file holds a NUL byte, or bytes that are not UTF-8; bytes and lines count from 1.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = lines = 0
    quotes = False
    with path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            if not read and chunk.startswith(OTHER_ENCODINGS):
                raise DataError(
                    "data.encoding", f"{file}: not UTF-8 at byte 1: UTF-16", PATH, CONVERT
                )
            nul = chunk.find(b"\0")
            if nul >= 0:
                raise DataError(
                    "data.binary",
                    f"{file}: binary data: NUL at {_place(chunk, nul, read, lines)}",
                    PATH,
                    "csv and json are text; Parquet and other binary files go by their own suffix",
                )
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                place = _place(chunk, error.start - pending, read, lines)
                raise _not_utf8(file, place) from error
            quotes = quotes or b'"' in chunk
            read += len(chunk)
            lines += chunk.count(b"\n")
    if decoder.getstate()[0]:
        raise _not_utf8(file, f"byte {read}, the last one")
    return quotes


def _place(chunk: bytes, at: int, read: int, lines: int) -> str:
    line = lines + chunk.count(b"\n", 0, max(at, 0)) + 1
    return f"byte {read + at + 1}, line {line}"


def _not_utf8(file: str, place: str) -> DataError:
    return DataError("data.encoding", f"{file}: not UTF-8 at {place}", PATH, CONVERT)


def find_fault(path: Path, file: str, delimiter: str, width: int) -> DataError | None:
    """Return what is wrong with the rows of a text file.

    Costs about a second for a million rows.

    Parameters
    ----------
    path, file
        The file, and what messages call it.
    delimiter
        Separates cells.
    width
        Columns of the header.
    """
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened, delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in reader:
                if len(row) != width and row:
                    return _misfit(file, line, len(row), width)
                line = reader.line_num + 1
        except csv.Error as error:
            return _broken_quote(file, line, str(error))
    return None


def _misfit(file: str, line: int, found: int, expected: int) -> DataError:
    hint = (
        "a cell with a delimiter in it needs double quotes around it"
        if found > expected
        else "the line may be cut off, or lack delimiters for empty cells"
    )
    return DataError(
        "data.ragged",
        f"{file}: line {line}: {counted(found, 'field')}, expected {expected}",
        PATH,
        hint,
    )


def _broken_quote(file: str, line: int, reason: str) -> DataError:
    if "larger than" in reason:
        return DataError(
            "data.quote",
            f"{file}: quote opened on line {line} not closed within "
            f"{csv.field_size_limit()} characters",
            PATH,
            "inside a quoted cell, a double quote is written twice",
        )
    if "expected after" in reason:
        return DataError(
            "data.quote",
            f"{file}: line {line}: text after a closing quote",
            PATH,
            "inside a quoted cell, a double quote is written twice",
        )
    return DataError(
        "data.quote",
        f"{file}: quote opened on line {line} never closed",
        PATH,
        "inside a quoted cell, a double quote is written twice",
    )
