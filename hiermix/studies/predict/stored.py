"""What evaluation of new rows has to remember of a fit: ``design.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hiermix.data.reading import Kind
from hiermix.data.source import ColumnType

VERSION = 1
"""Of the format of ``design.json``."""

Memory = Mapping[str, Mapping[str, tuple[float, ...]]]
"""Call of a transformation that remembers the fitted rows -> what it remembers."""


@dataclass(frozen=True)
class StoredColumn:
    """A data column on the right-hand side.

    ``kind`` is its type when the model was fitted; ``type`` what ``data.types`` said of it.
    ``categories`` are its values as a factor with coefficients, in order; the first is the
    reference where the coding is reduced.
    """

    kind: Kind
    type: ColumnType | None = None
    categories: tuple[str, ...] | tuple[float, ...] = ()


@dataclass(frozen=True)
class StoredTerm:
    """A term as the formula has it.

    ``labels`` name its columns, ``None`` for a single one without a label. ``full`` says for each
    of its parts whether a factor has a column for every category (true) or for all but the first
    (false); ``None`` stands for a part that is numeric.
    """

    name: str
    labels: tuple[str, ...] | None
    full: tuple[bool | None, ...]


@dataclass(frozen=True)
class StoredCommon:
    """A term of the common part as it was fitted.

    ``role`` is ``own`` for the term ``source`` of the formula itself, ``mean`` for its means by the
    factor ``of``, ``within`` for what is left of it beyond the means by ``factors``. ``pick`` are
    the columns of the source that it keeps.
    """

    name: str
    source: str
    role: Literal["own", "mean", "within"] = "own"
    factors: tuple[str, ...] = ()
    of: str = ""
    pick: tuple[int, ...] = ()


@dataclass(frozen=True)
class StoredGroup:
    """A group-specific term; ``slope`` is ``None`` for an intercept.

    ``within`` names the factors whose means are taken off the slope's columns. Terms of the same
    ``bar`` have correlated effects where ``correlated``.
    """

    name: str
    factor: str
    slope: StoredTerm | None
    columns: tuple[str, ...]
    within: tuple[str, ...] = ()
    bar: int = 0
    correlated: bool = False


@dataclass(frozen=True)
class StoredPart:
    """The linear predictor of one parameter of the family.

    ``formula`` is its text in the spec; ``terms`` are those of the formula, ``common`` those of the
    model, which differ where ``cre`` adds level means. ``prefix`` begins the names of its
    parameters.
    """

    parameter: str
    link: str
    formula: str
    prefix: str
    intercept: bool
    terms: tuple[StoredTerm, ...]
    common: tuple[StoredCommon, ...]
    groups: tuple[StoredGroup, ...]


@dataclass(frozen=True)
class StoredFactor:
    """A grouping factor; ``levels`` hold a text for each of its ``variables``, in order."""

    variables: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    outer: tuple[str, ...] = ()
    """Other factors that this one is nested in, for the means by several factors."""


@dataclass(frozen=True)
class StoredParameter:
    """Where the draws of a parameter are: a variable of ``posterior.nc``, or a fixed ``value``."""

    variable: str
    dims: tuple[str, ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class StoredResponse:
    """The response: its name, kind and categories; ``trials`` is a column, a number or ``None``."""

    name: str
    kind: str
    levels: tuple[str, ...] | None = None
    trials: str | float | None = None


@dataclass(frozen=True)
class StoredArms:
    """The column that says the arm of a row, and the numbers that it has in either arm."""

    column: str
    values: tuple[float, float]


@dataclass(frozen=True)
class StoredDesign:
    """Everything that prediction needs of a run besides its draws and level means.

    ``problem`` says why the run cannot predict; it is empty where it can: the stored design gave
    the columns of fitted rows again when it was written. ``arms`` are those that are numbers;
    arms with names are categories.
    """

    version: int
    family: str
    response: StoredResponse
    known_se: str | None
    parts: tuple[StoredPart, ...]
    columns: Mapping[str, StoredColumn]
    factors: Mapping[str, StoredFactor]
    parameters: Mapping[str, StoredParameter]
    memory: Memory = field(default_factory=dict)
    na_values: tuple[str, ...] | None = None
    interval: float = 0.9
    interval_kind: Literal["eti", "hdi"] = "eti"
    seed: int = 0
    problem: str = ""
    arms: StoredArms | None = None

    @property
    def main(self) -> StoredPart:
        """The linear predictor that the formula is about."""
        return self.parts[0]


def to_json(design: StoredDesign) -> str:
    """Return the text of ``design.json``."""
    from pydantic import TypeAdapter

    return TypeAdapter(StoredDesign).dump_json(design, indent=1).decode() + "\n"


def from_json(text: str) -> StoredDesign:
    """Read ``design.json``.

    Raises
    ------
    ValueError
        The text is not such a document, or of another version.
    """
    from pydantic import TypeAdapter

    design = TypeAdapter(StoredDesign).validate_json(text)
    if design.version != VERSION:
        raise ValueError(f"version {design.version}; {VERSION} needed")
    if not design.parts and not design.problem:
        raise ValueError("no linear predictor")
    return design
