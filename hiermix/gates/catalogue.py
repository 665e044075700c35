"""The gates, read from ``catalogue.yaml``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

Phase = Literal["data", "design", "prior", "sampler", "posterior"]

PHASES: tuple[Phase, ...] = ("data", "design", "prior", "sampler", "posterior")

COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a gate warns and where it fails; ``None`` means never."""

    warn: float | None = None
    fail: float | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """An interval, written as mathematicians do.

    Examples
    --------
    >>> one = Range.parse("(1, 1.1]")
    >>> 1 in one, 1.1 in one, float("nan") in one, str(one)
    (False, True, False, '(1, 1.1]')
    """

    text: str
    low: float
    high: float
    open_low: bool
    open_high: bool

    @classmethod
    def parse(cls, text: str) -> Range:
        """Read ``(low, high]`` and its kind; raise ``ValueError`` for anything else."""
        found = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", text)
        if found is None:
            raise ValueError(f"not an interval: {text!r}")
        left, low, high, right = found.groups()
        return cls(text, float(low), float(high), left == "(", right == ")")

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Gate:
    """One row of the catalogue; ``catalogue.yaml`` explains each field at its top.

    ``skip_reason`` is empty if a missing measurement fails, else why a model may lack it.
    ``advisory`` says that the gate only ever warns.
    """

    id: str
    phase: Phase
    title: str
    metric: str
    worst: Literal["max", "min"]
    pass_when: Literal["<=", "<", ">="]
    limits: Mapping[str, Limits]
    limit_range: Range | None
    source: str
    why: str
    remedy: str
    scopes: tuple[str, ...] = ()
    waivable: bool = True
    raise_to: str = ""
    lacks: str = ""
    skip_reason: str = ""
    advisory: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names by which a spec can speak of it: ``rhat``, ``rhat[common]``, ..."""
        return (self.id, *(f"{self.id}[{scope}]" for scope in self.scopes))

    def accepts(self, value: float, limit: float) -> bool:
        """Tell whether ``value`` is on the good side of ``limit``; never if it is not finite."""
        return math.isfinite(value) and COMPARE[self.pass_when](value, limit)

    def badness(self, value: float) -> float:
        """Return a number that grows as ``value`` gets worse, infinite if it is not finite."""
        if not math.isfinite(value):
            return math.inf
        return value if self.worst == "max" else -value


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All gates in the order of their phases, and the policies with a sentence for each."""

    policies: Mapping[str, str]
    gates: tuple[Gate, ...]


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue that is installed with the package."""
    text = (resources.files(__package__) / "catalogue.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    return Catalogue(document["policies"], tuple(_gate(row) for row in document["gates"]))


def catalogue() -> tuple[Gate, ...]:
    """Return every gate.

    Examples
    --------
    >>> [gate.id for gate in catalogue() if gate.phase == "data"]
    ['rows', 'dropped']
    """
    return load_catalogue().gates


def _gate(row: Mapping[str, Any]) -> Gate:
    fields = dict(row)
    missing = fields.pop("when_missing")
    fields["skip_reason"] = "" if missing == "fail" else missing
    fields["scopes"] = tuple(fields.get("scopes", ()))
    fields["limits"] = {policy: Limits(**given) for policy, given in fields["limits"].items()}
    if fields["limit_range"] is not None:
        fields["limit_range"] = Range.parse(fields["limit_range"])
    return Gate(**fields)
