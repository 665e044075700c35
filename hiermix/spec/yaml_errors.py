"""PyYAML's syntax errors in words that name the usual cause."""

from __future__ import annotations

import re

import yaml

from hiermix.errors import SpecError
from hiermix.spec.source import where_at

KEY = re.compile(
    r"(?P<indent>\s*(?:- +)*)(?P<quote>['\"]?)(?P<key>[^\s'\"#:{\[][^:]*?)(?P=quote)\s*:(?=\s|$)"
)
VALUE = re.compile(r"\s*(?:- +)*[^:]+:\s+(?=\S)")
BRACKETS = {
    "while parsing a flow mapping": ("{", "}"),
    "while parsing a flow sequence": ("[", "]"),
}


def key_at(lines: tuple[str, ...], line: int) -> str | None:
    """Guess the dotted key path at a line of a text that cannot be parsed, from indentation.

    Examples
    --------
    >>> key_at(("model:", "  formula: y ~ x: z"), 2)
    'model.formula'
    """
    path: list[str] = []
    indent = len(lines[line - 1]) + 1 if 0 < line <= len(lines) else 0
    for text in reversed(lines[:line]):
        found = KEY.match(text)
        if found and len(found["indent"]) < indent:
            path.insert(0, found["key"])
            indent = len(found["indent"])
        if indent == 0:
            break
    return ".".join(path) or None


def explain(error: yaml.MarkedYAMLError, file: str, lines: tuple[str, ...]) -> SpecError:
    """Return the error of a text that PyYAML cannot parse."""
    problem, context = error.problem or "", error.context or ""
    at = _position(error.problem_mark) or _position(error.context_mark) or (1, 1)
    opened = _position(error.context_mark) or at
    line = lines[at[0] - 1] if at[0] <= len(lines) else ""
    key = key_at(lines, at[0])

    def found(id: str, message: str, at: tuple[int, int], hint: str, width: int = 1) -> SpecError:
        where = where_at(file, lines, at, key_at(lines, at[0]), width)
        return SpecError(f"spec.{id}", message, where, hint)

    if "'\\t'" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return found("tab", "found a tab; use spaces", at, "YAML is indented with spaces only")
    if problem.startswith("mapping values are not allowed"):
        value = VALUE.match(line)
        if value and value.end() < at[1]:
            what = "formula" if key and key.endswith("formula") else "text"
            message = f"mapping values not allowed; quote the {what}"
            hint = "': ' inside a value has to be quoted: \"...\""
            return found("unquoted-colon", message, (at[0], value.end() + 1), hint)
        return found("indentation", "unexpected indentation", at, "line it up with its neighbours")
    if context == "while scanning a block scalar":
        hint = "text after '|' or '>' starts on the next line"
        return found("block-scalar", "block scalar; quote the formula", opened, hint)
    if context in BRACKETS and problem.startswith("expected ',' or"):
        left, right = BRACKETS[context]
        if at[0] == opened[0] and "stream end" not in problem:
            hint = "entries are separated by ', '; text that contains ': ' has to be quoted"
            return found("flow", f"expected , or {right}", at, hint)
        message = f"expected , or {right}: the {left} on line {opened[0]} is never closed"
        start = lines[opened[0] - 1]
        first = len(start) - len(start.lstrip()) + 1
        return found("flow", message, (opened[0], first), f"add {right}", opened[1] - first + 1)
    if "quoted scalar" in context and "found unexpected" in problem:
        return found("open-quote", "the quote opened here is never closed", opened, "close it")
    if "cannot start any token" in problem:
        character = line[at[1] - 1 : at[1]]
        message = f"text that starts with {character} has to be quoted"
        return found("unquoted", message, at, 'put it between quotes: "..."')
    if "could not find expected ':'" in problem:
        return found("no-value", "expected 'key: value'", opened, "add a colon and a blank")
    if "another document" in problem:
        return found("documents", "one document expected, found another", at, "remove '---'")
    if "expected <block end>" in problem:
        message = "this does not belong to the entries above"
        return found("indentation", message, at, "check indentation, quotes and dashes")
    return found("yaml", f"not YAML: {problem}", at, "check the text at the caret")


def _position(mark: yaml.Mark | None) -> tuple[int, int] | None:
    return (mark.line + 1, mark.column + 1) if mark else None
