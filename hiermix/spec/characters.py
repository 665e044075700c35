"""From bytes to text: UTF-8 only, no hidden characters, a size limit."""

from __future__ import annotations

import codecs
import re
import unicodedata

from hiermix.errors import SpecError, Where
from hiermix.spec.source import where_at
from hiermix.spec.yaml_errors import key_at

MAX_BYTES = 1024 * 1024

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32 BOM"),
    (codecs.BOM_UTF32_BE, "UTF-32 BOM"),
    (codecs.BOM_UTF16_LE, "UTF-16 BOM"),
    (codecs.BOM_UTF16_BE, "UTF-16 BOM"),
)
"""UTF-32 stands first: its little-endian mark begins with the one of UTF-16."""

HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab and line ends
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # direction marks, separators
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"  # marks and what is no character
)


def decode(text: str | bytes, file: str) -> str:
    """Return the text of a spec; a UTF-8 byte order mark is dropped.

    Raises
    ------
    SpecError
        If it is too large, not UTF-8, or holds control or direction characters.
    """
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        # How many more there are is not known: reading stops soon after the limit.
        message = f"more than {MAX_BYTES} bytes: too large for a spec"
        raise SpecError("spec.too-large", message, Where(file=file), "keep data in data files")
    if isinstance(text, bytes):
        text = _decode_bytes(text, file)
    text = text.removeprefix("\ufeff")
    found = HIDDEN.search(text)
    if found:
        raise _hidden(found, text, file)
    return text


def lines_of(text: str) -> tuple[str, ...]:
    """Split text into lines as YAML does (after ``decode`` has refused its odder line ends)."""
    return tuple(unify(text).split("\n"))


def unify(text: str) -> str:
    """Return text with a line feed for every line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def code_point(character: str) -> str:
    """Return ``U+202E (RIGHT-TO-LEFT OVERRIDE)``."""
    name = unicodedata.name(character, "control character")
    return f"U+{ord(character):04X} ({name})"


def _decode_bytes(data: bytes, file: str) -> str:
    start = Where(file=file, line=1, column=1)
    hint = "save the spec as UTF-8"
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            raise SpecError("spec.not-utf8", f"not UTF-8 ({name})", start, hint)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = unify(data[: error.start].decode("utf-8", "replace")).split("\n")
        where = Where(file=file, line=len(before), column=len(before[-1]) + 1)
        message = f"not UTF-8 at byte {error.start + 1}"
        raise SpecError("spec.not-utf8", message, where, hint) from None


def _hidden(found: re.Match[str], text: str, file: str) -> SpecError:
    before = unify(text[: found.start()]).split("\n")
    at = (len(before), len(before[-1]) + 1)
    lines = lines_of(text)
    where = where_at(file, lines, at, key_at(lines, at[0]))
    message = f"{code_point(found.group())} not allowed"
    return SpecError("spec.hidden-character", message, where, "delete the invisible character")
