"""The entries of ``questions`` as far as the spec alone can tell whether they make sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from hiermix.errors import HiermixError, InputErrors, SpecError
from hiermix.spec.models import QuestionSpec
from hiermix.spec.part import Part
from hiermix.spec.problems import shape_errors
from hiermix.spec.source import Place, SourceMap
from hiermix.spec.strict_yaml import Document, read_document

RESPONSE_KEYS = ("values", "at", "by")
"""Keys that mean something on the response scale only."""

VALUES_EXCLUDE = ("levels", "contrast", "reference", "best", "top")
"""Keys of questions about levels, which a number does not have."""


class QuestionsFile(Part):
    """Questions outside a spec."""

    questions: Annotated[tuple[QuestionSpec, ...], Field(strict=False, min_length=1)]


def question_name(of: str, scale: str = "coefficient", contrast: str | None = None) -> str:
    """Return what a question is called whose spec gives it no name.

    Examples
    --------
    >>> question_name("1|g", contrast="pairwise"), question_name("x", "response")
    ('1|g pairwise', 'x response')
    """
    return " ".join([of, *([contrast] if contrast else []), *([scale] * (scale != "coefficient"))])


def name_of(question: QuestionSpec) -> str:
    """Return the name of a question in the tables."""
    return question.name or question_name(question.of, question.scale, question.contrast)


def read_questions(text: str | bytes, origin: str) -> tuple[tuple[QuestionSpec, ...], SourceMap]:
    """Read questions outside a spec: a mapping that is one, or a list below ``questions``.

    Raises
    ------
    SpecError, InputErrors
        All that is wrong with them.
    """
    document = read_document(text, origin)
    if isinstance(document.value, dict) and "questions" not in document.value:
        source = document.source
        places = {f"questions.0.{key}": place for key, place in source.places.items()}
        whole = Place(origin, source.lines, (1, 1), (1, 1), "collection")
        document = Document(
            {"questions": [document.value]},
            SourceMap(source.file, source.lines, {**places, "questions.0": whole}),
            document.errors,
        )
    return _checked(document)


def stated_question(values: Mapping[str, Any]) -> tuple[QuestionSpec, ...]:
    """Return the one question that options of the command line state, by its keys.

    Raises
    ------
    SpecError, InputErrors
        All that is wrong with it, by the key paths that it would have in a spec.
    """
    source = SourceMap("", (), {})
    return _checked(Document({"questions": [dict(values)]}, source, ()))[0]


def _checked(document: Document) -> tuple[tuple[QuestionSpec, ...], SourceMap]:
    source = document.source
    found: list[HiermixError] = [*document.errors, *question_errors(document.value, source)]
    known = {error.where.key for error in found}
    shape = shape_errors(document.value, source, QuestionsFile)
    found += [e for e in shape if e.where.key not in known]
    if found:
        raise found[0] if len(found) == 1 else InputErrors(found)
    return QuestionsFile.model_validate(document.value).questions, source


def question_errors(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    """Yield what is wrong with ``questions`` whatever the model is.

    Values of the wrong type are passed over: they are errors already.
    """
    entries = value.get("questions")
    if not isinstance(entries, list):
        return
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and isinstance(entry.get("of"), str) and entry["of"]:
            key = f"questions.{number}"
            yield from _name(entry, key, number, seen, source)
            yield from _levels(entry, key, source)
            yield from _best(entry, key, source)
            yield from _response(entry, key, source)
            yield from _ranges(entry, key, source)


def _name(
    entry: Mapping[str, Any], key: str, number: int, seen: dict[str, int], source: SourceMap
) -> Iterator[SpecError]:
    given = entry.get("name")
    if given is not None and not (isinstance(given, str) and given):
        return
    scale, contrast = entry.get("scale") or "coefficient", entry.get("contrast")
    name = given or question_name(entry["of"], str(scale), contrast and str(contrast))
    first = seen.setdefault(name, number)
    if first != number:
        message = f"{key}: the name '{name}' is that of questions.{first} already"
        where = source.value(f"{key}.name" if given else key)
        yield SpecError("question.name-twice", message, where, "give one of them another `name`")


def _levels(entry: Mapping[str, Any], key: str, source: SourceMap) -> Iterator[SpecError]:
    levels, contrast = entry.get("levels"), entry.get("contrast")
    reference = entry.get("reference")
    if isinstance(levels, list):
        where = source.value(f"{key}.levels")
        texts = [level for level in levels if isinstance(level, str)]
        twice = next((level for level, count in Counter(texts).items() if count > 1), None)
        if twice is not None:
            message = f"{key}.levels: '{twice}' twice"
            yield SpecError("question.level-twice", message, where, "name each level once")
        fewest = 2 if contrast in ("pairwise", "mean") or entry.get("best") else 1
        if len(levels) < fewest:
            message = f"{key}.levels: {fewest} or more expected, got {len(levels)}"
            yield SpecError("question.few-levels", message, where, "leave out `levels` for all")
    if contrast == "reference" and reference is None:
        message = f"{key}: contrast 'reference' needs the level to compare with"
        where = source.value(f"{key}.contrast")
        yield SpecError("question.no-reference", message, where, "add `reference: LEVEL`")
    if reference is not None and contrast != "reference":
        message = f"{key}.reference: only contrast 'reference' compares with one level"
        where = source.value(f"{key}.reference")
        yield SpecError("question.reference", message, where, "write `contrast: reference`")


def _best(entry: Mapping[str, Any], key: str, source: SourceMap) -> Iterator[SpecError]:
    best, top, contrast = entry.get("best"), entry.get("top"), entry.get("contrast")
    if top is not None and best is None:
        message = f"{key}.top: which end of the scale is good?"
        where = source.value(f"{key}.top")
        yield SpecError("question.top", message, where, "add `best: max` or `best: min`")
    if best is not None and contrast in ("pairwise", "reference"):
        message = f"{key}.best: one of several levels is best, not one of several contrasts"
        where = source.value(f"{key}.best")
        hint = "ask two questions: one with `contrast`, one with `best`"
        yield SpecError("question.best-of-contrasts", message, where, hint)


def _response(entry: Mapping[str, Any], key: str, source: SourceMap) -> Iterator[SpecError]:
    if entry.get("scale") != "response":
        for name in RESPONSE_KEYS:
            if entry.get(name) not in (None, {}):
                message = f"{key}.{name} means something on the response scale only"
                where = source.value(f"{key}.{name}")
                hint = f"write `scale: response`, or leave out `{name}`"
                yield SpecError("question.response-only", message, where, hint)
        return
    if entry.get("values") is None:
        return
    for name in VALUES_EXCLUDE:
        if entry.get(name) is not None:
            message = f"{key}.{name}: 'values' are of a number, which has no levels"
            where = source.value(f"{key}.{name}")
            yield SpecError("question.values", message, where, f"leave out `{name}` or `values`")


def _ranges(entry: Mapping[str, Any], key: str, source: SourceMap) -> Iterator[SpecError]:
    for name in ("rope", "values"):
        pair = entry.get(name)
        if not isinstance(pair, list) or len(pair) != 2:
            continue
        where = source.value(f"{key}.{name}")
        if all(isinstance(n, int | float) and not isinstance(n, bool) for n in pair):
            if name == "rope" and not pair[0] < pair[1]:
                message = f"{key}.rope: lower < upper expected"
                yield SpecError("question.rope", message, where, "write [lower, upper]")
            if name == "values" and pair[0] == pair[1]:
                message = f"{key}.values: two different numbers expected"
                yield SpecError("question.values", message, where, "write [from, to]")
