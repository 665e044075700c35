"""Strict YAML: the types of YAML 1.2 core, one document, nothing that hides or repeats."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from hiermix.errors import HiermixError, SpecError, Where
from hiermix.spec.characters import HIDDEN, code_point, decode, lines_of, unify
from hiermix.spec.source import Place, SourceMap, Style, where_at
from hiermix.spec.yaml_errors import explain, key_at

MAX_DEPTH = 32
MAX_ENTRIES = 20_000

NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
TRUE = re.compile(r"(?:true|True|TRUE)\Z")
FALSE = re.compile(r"(?:false|False|FALSE)\Z")
INTEGER = re.compile(r"[-+]?[0-9]+\Z")
BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")

STYLES: dict[str | None, Style] = {
    None: "plain", "'": "single", '"': "double", "|": "literal", ">": "folded",
}  # fmt: skip

FORMULA_KEYS = re.compile(r"model\.(?:formula|components\..+)\Z")


@dataclass(frozen=True)
class Document:
    """A spec as plain values.

    ``value`` holds dicts, lists, text, numbers, booleans and ``None``; ``source`` tells where
    each stands; ``errors`` are those found so far that did not stop the reading.
    """

    value: Any
    source: SourceMap
    errors: tuple[HiermixError, ...]


def read_document(text: str | bytes, file: str) -> Document:
    """Read a spec, whose root has to be a mapping.

    Raises
    ------
    SpecError
        If the text cannot be read; errors after which reading can go on are collected instead.
    """
    decoded = decode(text, file)
    document = _read(unify(decoded), file, lines_of(decoded), "")
    start = Where(file=file, line=1, column=1)
    if document is None:
        raise SpecError("spec.empty", "empty spec", start, "'hiermix init --data FILE' writes one")
    if not isinstance(document.value, dict):
        message = f"expected a mapping, found {_kind(document.value)}"
        raise SpecError("spec.not-a-mapping", message, start, "a spec starts with 'data:'")
    return document


def read_value(text: str, file: str, start: int, key: str) -> Document:
    """Read the value in ``text[start:]`` for ``key``; nothing is null.

    Raises
    ------
    SpecError
        If it cannot be read.
    """
    decode(text, file)
    # Blanks in place of the key keep every column right.
    document = _read(" " * start + text[start:], file, (text,), key, flow=True)
    return document or Document(None, SourceMap(file, (text,), {}), ())


def _read(
    text: str, file: str, lines: tuple[str, ...], key: str, flow: bool = False
) -> Document | None:
    loader = _Loader(text, file, lines)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise explain(error, file, lines) from None
    finally:
        loader.dispose()
    if node is None:
        return None
    if flow and isinstance(node, yaml.CollectionNode) and not node.flow_style:
        where = where_at(file, lines, _at(node.start_mark), key)
        message = "mapping values and list items not allowed; quote the text"
        hint = "a mapping is written {a: 1}, a list [a, b]"
        raise SpecError("spec.unquoted-colon", message, where, hint)
    builder = _Builder(file, lines)
    value = builder.build(node, key, node.start_mark)
    return Document(value, SourceMap(file, lines, builder.places), tuple(builder.errors))


class _Loader(yaml.SafeLoader):
    """PyYAML's parser without anchors, aliases, tags, deep nesting and endless lists."""

    def __init__(self, text: str, file: str, lines: tuple[str, ...]) -> None:
        super().__init__(text)
        self.file = file
        self.lines = lines
        self.depth = 0
        self.entries = 0

    def compose_document(self) -> yaml.Node | None:
        start: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if start.version or start.tags:
            message = "directive not allowed: a spec is YAML 1.2"
            raise self._refused("directive", message, start.start_mark, "delete the line with %")
        node: yaml.Node | None = super().compose_document()
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        # Refused here, before PyYAML recurses: its own recursion has no limit.
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            message = "anchors/aliases not allowed"
            raise self._refused("anchor", message, event.start_mark, "write the value out")
        if event.tag is not None:
            message = "tag not allowed"
            raise self._refused("tag", message, event.start_mark, "quote text that starts with '!'")
        if self.depth == MAX_DEPTH:
            message = f"nesting deeper than {MAX_DEPTH}"
            raise self._refused("too-deep", message, event.start_mark, "no key needs so much")
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            message = f"more than {MAX_ENTRIES} entries"
            raise self._refused("too-many", message, event.start_mark, "keep data in data files")
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refused(self, id: str, message: str, mark: yaml.Mark, hint: str) -> SpecError:
        at = (mark.line + 1, mark.column + 1)
        where = where_at(self.file, self.lines, at, key_at(self.lines, at[0]))
        return SpecError(f"spec.{id}", message, where, hint)


class _Builder:
    """Turns nodes into values and notes where each stands."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file = file
        self.lines = lines
        self.places: dict[str, Place] = {}
        self.errors: list[SpecError] = []

    def build(self, node: yaml.Node, key: str, key_mark: yaml.Mark) -> Any:
        scalar = node if isinstance(node, yaml.ScalarNode) else None
        self.places[key] = Place(
            self.file,
            self.lines,
            _at(key_mark),
            _at(node.start_mark),
            STYLES[scalar.style] if scalar else "collection",
            scalar.value if scalar else None,
        )
        if scalar:
            return self._scalar(scalar, key)
        if isinstance(node, yaml.MappingNode):
            return {name: self.build(*entry) for name, entry in self._entries(node, key)}
        return [
            self.build(item, joined(key, str(i)), item.start_mark)
            for i, item in enumerate(node.value)
        ]

    def _entries(
        self, node: yaml.MappingNode, key: str
    ) -> Iterator[tuple[str, tuple[yaml.Node, str, yaml.Mark]]]:
        first: dict[str, int] = {}
        for name_node, value in node.value:
            mark = name_node.start_mark
            if not isinstance(name_node, yaml.ScalarNode):
                self._error("key", "a key has to be text", mark, key, "quote it")
                continue
            # A key is text whatever it looks like: a column may be called 2020 or NO.
            name = name_node.value
            path = joined(key, name)
            if name == "<<" and name_node.style is None:
                self._error("merge-key", "merge keys not allowed", mark, path, "write it out")
            elif name in first:
                message = f"'{name}' first at line {first[name]}, again at line {mark.line + 1}"
                self._error("duplicate-key", message, mark, path, "keep one of them")
            elif HIDDEN.search(name):
                self._hidden(name, mark, key)
            else:
                first[name] = mark.line + 1
                yield name, (value, path, mark)

    def _scalar(self, node: yaml.ScalarNode, key: str) -> Any:
        text: str = node.value
        if HIDDEN.search(text):
            self._hidden(text, node.start_mark, key)
        if node.style is not None:
            return text
        if FORMULA_KEYS.match(key):
            self._check_comment(node, key)
        return self._plain(text, node, key)

    def _plain(self, text: str, node: yaml.ScalarNode, key: str) -> Any:
        if NULL.match(text):
            return None
        if TRUE.match(text) or FALSE.match(text):
            return bool(TRUE.match(text))
        try:
            if INTEGER.match(text):
                return int(text)
            if BASED.match(text):
                return int(text, 0)
        except ValueError:  # Python refuses to convert thousands of digits.
            self._not_finite(text[:20] + "...", node, key)
            return 0
        if FLOAT.match(text) or NOT_FINITE.match(text):
            number = float(text) if FLOAT.match(text) else math.nan
            if not math.isfinite(number):
                self._not_finite(text, node, key)
            return number
        return text

    def _not_finite(self, text: str, node: yaml.ScalarNode, key: str) -> None:
        message = f"{key}: finite number expected, got {text}"
        self._error("not-finite", message, node.start_mark, key, "null means 'no value'")

    def _check_comment(self, node: yaml.ScalarNode, key: str) -> None:
        line, column = _at(node.end_mark)
        rest = self.lines[line - 1][column - 1 :]
        if rest.lstrip().startswith("#"):
            at = (line, column + len(rest) - len(rest.lstrip()))
            message = "comment after an unquoted formula; quote it"
            hint = "' #' starts a comment: what follows would silently not be part of the formula"
            where = where_at(self.file, self.lines, at, key)
            self.errors.append(SpecError("spec.comment-in-formula", message, where, hint))

    def _hidden(self, text: str, mark: yaml.Mark, key: str) -> None:
        found = HIDDEN.search(text)
        name = code_point(found.group()) if found else ""
        hint = "delete the escape sequence"
        self._error("hidden-character", f"{name} not allowed", mark, key, hint)

    def _error(self, id: str, message: str, mark: yaml.Mark, key: str, hint: str) -> None:
        where = where_at(self.file, self.lines, _at(mark), key or None)
        self.errors.append(SpecError(f"spec.{id}", message, where, hint))


def joined(key: str, name: str) -> str:
    """Return the dotted path of an entry."""
    return f"{key}.{name}" if key else name


def _at(mark: yaml.Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "a boolean"
    return "a number" if isinstance(value, int | float) else "null"
