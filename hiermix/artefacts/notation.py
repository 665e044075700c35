"""Equations as values: atoms with subscripts, that a page sets and a terminal could print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Atom:
    """A symbol with what stands below and above it.

    ``kind`` is ``symbol`` (italic), ``name`` (of a column: upright) or ``plain``.
    """

    text: str
    kind: str = "plain"
    sub: str = ""
    sup: str = ""

    @property
    def plain(self) -> str:
        """The atom as text.

        Examples
        --------
        >>> Atom("u", "symbol", "0,g[i]").plain, Atom("x", "name", "i").plain
        ('u_{0,g[i]}', 'x_i')
        """
        below = "" if not self.sub else f"_{self.sub}" if len(self.sub) == 1 else f"_{{{self.sub}}}"
        return f"{self.text}{below}{f'^{self.sup}' if self.sup else ''}"


Atoms = tuple[Atom, ...]


@dataclass(frozen=True)
class Equation:
    """``left relation right[0] + right[1] + ...``, and a remark in words."""

    left: Atoms
    relation: str
    right: tuple[Atoms, ...]
    remark: str = ""

    @property
    def plain(self) -> str:
        """The equation as text, without its remark."""
        return f"{plain(self.left)} {self.relation} {' + '.join(plain(s) for s in self.right)}"


def plain(atoms: Iterable[Atom]) -> str:
    """Return atoms as text."""
    return "".join(atom.plain for atom in atoms)


def joined(atoms: Iterable[Atom], between: str = ", ") -> Atoms:
    """Return atoms with a text between them.

    Examples
    --------
    >>> plain(joined([Atom("a"), Atom("b")]))
    'a, b'
    """
    found: list[Atom] = []
    for number, atom in enumerate(atoms):
        found += [Atom(between), atom] if number else [atom]
    return tuple(found)


def span(atoms: list[Atom]) -> Atoms:
    """Return the first and the last of several atoms, with dots between them.

    Examples
    --------
    >>> plain(span([Atom("a"), Atom("b"), Atom("c")])), plain(span([Atom("a"), Atom("b")]))
    ('a, …, c', 'a, b')
    """
    if len(atoms) <= 2:
        return joined(atoms)
    return joined([atoms[0], Atom("…"), atoms[-1]])
