"""What types alone cannot say: formulas, families, priors, bounds and paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from hiermix.errors import FormulaError, HiermixError, PriorError, SpecError, Where
from hiermix.formula import parse_formula, parse_right_side
from hiermix.spec.arms import arms_errors
from hiermix.spec.contextual import cre_errors
from hiermix.spec.families import FAMILIES, LINKS, Family
from hiermix.spec.nearest import did_you_mean, either
from hiermix.spec.priors import parse_prior
from hiermix.spec.problems import described
from hiermix.spec.questions import question_errors
from hiermix.spec.redaction import credentials_at
from hiermix.spec.source import SourceMap
from hiermix.spec.strict_yaml import joined

VARIABLE = re.compile(r"\$(?=[A-Za-z_{(])")


def meaning_errors(value: Mapping[str, Any], source: SourceMap) -> Iterator[HiermixError]:
    """Yield what is wrong with the values of a spec, whatever else is wrong with its shape.

    Values of the wrong type are passed over: they are errors already.
    """
    yield from _formulas(value, source)
    yield from cre_errors(value, source)
    yield from question_errors(value, source)
    yield from arms_errors(value, source)
    yield from _family(value, source)
    yield from _priors(value, source)
    yield from _bounds(value, source)
    yield from _cores(value, source)
    yield from _paths(value, source)
    yield from _secrets(value, "", source)


def _dig(value: Any, key: str, kind: type) -> Any:
    """Return the value at a key path if it is of this kind, else ``None``."""
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, kind) else None


def _texts(value: Mapping[str, Any], key: str) -> Iterator[tuple[str, str]]:
    for name, text in (_dig(value, key, dict) or {}).items():
        if isinstance(text, str) and text:
            yield name, text


def _formulas(value: Mapping[str, Any], source: SourceMap) -> Iterator[HiermixError]:
    formula = _dig(value, "model.formula", str)
    if formula:
        try:
            parse_formula(formula)
        except FormulaError as error:
            yield source.place(error, "model.formula")
    for name, text in _texts(value, "model.components"):
        try:
            parse_right_side(text)
        except FormulaError as error:
            yield source.place(error, f"model.components.{name}")


def _family(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    name = _dig(value, "model.family", str) or "gaussian"
    family = FAMILIES.get(name)
    if family is None:
        message = f"unknown family '{name}'{did_you_mean(name, FAMILIES)}"
        hint = f"families: {', '.join(FAMILIES)}"
        yield SpecError("spec.unknown-family", message, source.where("model.family"), hint)
        return
    link = _dig(value, "model.link", str)
    if link and link not in family.links:
        yield _wrong_link(link, family, source)
    for component in _dig(value, "model.components", dict) or {}:
        if component not in family.components:
            yield _wrong_component(component, family, source)
    yield from _known_se(value, family, source)


def _wrong_link(link: str, family: Family, source: SourceMap) -> SpecError:
    where = source.where("model.link")
    hint = f"links of {family.name}: {', '.join(family.links)}"
    if link not in LINKS:
        message = f"unknown link '{link}'{did_you_mean(link, LINKS)}"
        return SpecError("spec.unknown-link", message, where, hint)
    message = f"link '{link}' cannot be used with family {family.name}"
    return SpecError("spec.link-not-allowed", message, where, hint)


def _wrong_component(name: str, family: Family, source: SourceMap) -> SpecError:
    where = source.where(f"model.components.{name}")
    if name == family.parent:
        message = f"'{name}' is what model.formula is about"
        return SpecError("spec.unknown-component", message, where, "change model.formula instead")
    message = f"family {family.name} has no parameter '{name}' that can have a formula"
    message += did_you_mean(name, family.components)
    hint = f"it has {either(family.components)}" if family.components else "it has none"
    return SpecError("spec.unknown-component", message, where, hint)


def _known_se(value: Mapping[str, Any], family: Family, source: SourceMap) -> Iterator[SpecError]:
    if not _dig(value, "model.known_se", str):
        return
    where = source.where("model.known_se")
    if family.name != "gaussian":
        message = f"known_se needs family gaussian, got {family.name}"
        yield SpecError("spec.known-se", message, where, "leave out known_se")
    elif "sigma" in (_dig(value, "model.components", dict) or {}):
        message = "known_se and components.sigma both say what sigma is"
        yield SpecError("spec.known-se", message, where, "leave out one of them")


def names_correlations(name: str) -> bool:
    """Say whether a prior's name is that of correlations: ``cor|g``, ``sigma_cor|g``."""
    return "cor|" in (name[:4], name[name.find("_") + 1 :][:4])


def _misplaced(distribution: str) -> PriorError:
    if distribution == "LKJ":
        message = "LKJ is for correlations of group-specific effects"
        hint = "write for example Normal(0, 1)"
    else:
        message = f"correlations of group-specific effects need LKJ, got {distribution}"
        hint = "write for example LKJ(2)"
    return PriorError("prior.correlation", message, Where(caret=1, width=len(distribution)), hint)


def _priors(value: Mapping[str, Any], source: SourceMap) -> Iterator[HiermixError]:
    for name, text in (_dig(value, "priors", dict) or {}).items():
        if not isinstance(text, str):
            continue
        try:
            prior = parse_prior(text)
            if (prior.distribution == "LKJ") != names_correlations(name):
                raise _misplaced(prior.distribution)
        except PriorError as error:
            if text.count("(") > text.count(")"):
                error.hint = "inside {...} a prior has to be quoted: there a comma ends the text"
            yield source.place(error, f"priors.{name}")


def _bounds(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    for name, pair in (_dig(value, "model.bounds", dict) or {}).items():
        if not isinstance(pair, list) or len(pair) != 2:
            continue
        where = source.value(f"model.bounds.{name}")
        numbers = [n for n in pair if isinstance(n, int | float) and not isinstance(n, bool)]
        if pair == [None, None]:
            message = f"model.bounds.{name}: a limit expected, got none"
            yield SpecError("spec.bounds", message, where, "write for example [0, null]")
        elif len(numbers) == 2 and not numbers[0] < numbers[1]:
            message = f"model.bounds.{name}: lower < upper expected"
            yield SpecError("spec.bounds", message, where, "write [lower, upper]")


def visible_cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cores(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    cores, cpus = _dig(value, "fit.cores", int), visible_cpus()
    if cores is not None and not isinstance(cores, bool) and cores > cpus:
        message = f"fit.cores <= {cpus} (CPUs visible) expected, got {described(cores)}"
        hint = "leave it out: the draws do not depend on it"
        yield SpecError("spec.out-of-range", message, source.value("fit.cores"), hint)


def _paths(value: Mapping[str, Any], source: SourceMap) -> Iterator[SpecError]:
    for key in ("data.path", "outputs.dir"):
        path = _dig(value, key, str)
        if path:
            yield from _path(key, path, source)
    folder = _dig(value, "outputs.dir", str)
    if folder and "://" not in folder:
        yield from _folder(folder, source)


def _path(key: str, path: str, source: SourceMap) -> Iterator[SpecError]:
    where = source.value(key)
    variable = VARIABLE.search(path)
    if "://" in path:
        message = f"{key}: URLs not allowed; value redacted"
        yield SpecError("spec.url", message, where, "save the data as a file first")
    elif path.startswith("~"):
        message = f"{key}: '~' not expanded"
        yield SpecError("spec.home", message, where, "write the path out")
    elif variable:
        message = f"{key}: interpolation not supported; literal '$'"
        hint = "write the path out, or use --set"
        where = source.where(key, variable.start() + 1)
        yield SpecError("spec.interpolation", message, where, hint)


def _folder(folder: str, source: SourceMap) -> Iterator[SpecError]:
    where = source.value("outputs.dir")
    windows = PureWindowsPath(folder)
    if PurePosixPath(folder).is_absolute() or windows.drive or windows.root:
        message = "outputs.dir: absolute output only with --out"
        yield SpecError("spec.absolute-output", message, where, "use --out DIR")
        return
    depth = 0
    for part in windows.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            message = "outputs.dir leaves the current folder"
            yield SpecError("spec.output-outside", message, where, "use --out DIR")
            return


def _secrets(value: Any, key: str, source: SourceMap) -> Iterator[SpecError]:
    """Refuse passwords in URLs anywhere: the spec is copied into every run directory."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(inner, joined(key, name), source)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _secrets(inner, joined(key, str(i)), source)
    elif isinstance(value, str) and key not in {"data.path", "outputs.dir"}:
        found = credentials_at(value)
        if found:
            where = source.where(key, found)
            message = f"{key}: credentials in a URL not allowed; value redacted"
            hint = "a spec is stored with its runs: export the table to a file instead"
            yield SpecError("spec.credentials", message, where, hint)
