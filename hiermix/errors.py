"""Every error that hiermix raises on purpose.

The tree, each with the exit code that the command line returns for it::

    HiermixError                 1  a defect in hiermix itself
    |- InputError                2  the user's input is wrong; nothing was sampled
    |  |- UsageError             2  command line
    |  |- SpecError              2  YAML and spec keys
    |  |- FormulaError           2  the model formula
    |  |- PriorError             2  prior texts
    |  |- DataError              2  files, columns, values
    |  |- DesignError            2  what the data cannot support
    |  `- InputErrors            2  several of the above, reported together
    |- EngineError               4  no posterior
    |- EnvironmentFault          5  disk, permission, lock, memory, damaged artefact
    |- DifferenceFound           6  `diff` or `verify` found a real difference
    `- Interrupted         130/143  a signal ended the run

A gate that fails is not an error: it is a verdict (exit code 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the user's input.

    ``line`` and ``column`` count from 1 in ``file``. ``source`` is the text to print above a
    caret, ``caret`` the 1-based column in ``source`` that it points to and ``width`` how many
    characters it underlines. ``key`` is a dotted key path of the spec.
    """

    file: str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None
    source: str | None = None
    caret: int | None = None
    width: int = 1


NOWHERE = Where()


class HiermixError(Exception):
    """Base of all errors: a stable id, what is wrong, where, and one hint."""

    exit_code: ClassVar[int] = 1

    def __init__(self, id: str, message: str, where: Where = NOWHERE, hint: str = "") -> None:
        super().__init__(message)
        self.id = id
        self.message = message
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id, self.message, self.where, self.hint)

    def __str__(self) -> str:
        return self.message

    def at(self, where: Where) -> HiermixError:
        """Return the same error placed in a file: fields already known are kept."""
        known = {k: v for k, v in asdict(self.where).items() if v is not None and k != "width"}
        merged = replace(where, **known, width=self.where.width if known else where.width)
        return type(self)(self.id, self.message, merged, self.hint)

    def flatten(self) -> tuple[HiermixError, ...]:
        """Return the single errors that this one stands for."""
        return (self,)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values."""
        where = {k: v for k, v in asdict(self.where).items() if v is not None and k != "width"}
        return {"id": self.id, "message": self.message, "where": where, "hint": self.hint}


class InputError(HiermixError):
    """The user's input is wrong; nothing was sampled."""

    exit_code = 2


class UsageError(InputError):
    """The command line is wrong."""


class SpecError(InputError):
    """The YAML or a key of the spec is wrong."""


class FormulaError(InputError):
    """The formula is wrong."""


class PriorError(InputError):
    """A prior is wrong."""


class DataError(InputError):
    """A data file, column or value is wrong."""


class DesignError(InputError):
    """The data cannot support the model that was asked for."""


class InputErrors(InputError):
    """Several input errors, reported together."""

    def __init__(self, errors: Iterable[HiermixError]) -> None:
        self.errors = tuple(e for error in errors for e in error.flatten())
        first = self.errors[0]
        super().__init__(
            first.id, "\n".join(e.message for e in self.errors), first.where, first.hint
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errors,)

    def at(self, where: Where) -> HiermixError:
        """Place each of the errors."""
        return InputErrors(e.at(where) for e in self.errors)

    def flatten(self) -> tuple[HiermixError, ...]:
        """Return the errors that are reported together."""
        return self.errors


class EngineError(HiermixError):
    """No posterior: the engine is missing, refused, crashed or returned incomplete draws."""

    exit_code = 4


class EnvironmentFault(HiermixError):
    """The machine is in the way: disk, permission, lock, memory or a damaged artefact."""

    exit_code = 5


class DifferenceFound(HiermixError):
    """`diff` or `verify` found a real difference."""

    exit_code = 6


class Interrupted(HiermixError):
    """A signal ended the run; ``signal_number`` is 2 (SIGINT) or 15 (SIGTERM)."""

    exit_code = 130

    def __init__(
        self, id: str, message: str, where: Where = NOWHERE, hint: str = "", signal_number: int = 2
    ) -> None:
        super().__init__(id, message, where, hint)
        self.signal_number = signal_number

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id, self.message, self.where, self.hint, self.signal_number)

    @property
    def code(self) -> int:
        """Exit code: 128 + signal number, as shells report it."""
        return 128 + self.signal_number
