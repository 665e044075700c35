"""The audit as measurements, for the gates."""

from __future__ import annotations

import numpy as np

from hiermix.design.identification.result import Identification, TermIdentification
from hiermix.design.identification.words import graph_sentence
from hiermix.measurement import Measurement

MAX_NAMES = 3
"""Levels that a note names."""


def identification_measurements(identification: Identification) -> tuple[Measurement, ...]:
    """Return ``unidentified_share`` a column of each group term, ``level_graph_parts`` a graph.

    The share is that of the levels whose effect the likelihood does not tell on its own; the
    parts are the connected components of two crossed factors.
    """
    shares = [
        Measurement(
            "unidentified_share",
            "design",
            f"{identification.prefix(term.parameter)}{term.column}|{term.group}",
            float(term.unidentified.mean()),
            _note(term),
        )
        for term in identification.terms
    ]
    graphs = [
        Measurement(
            "level_graph_parts",
            "design",
            f"{identification.prefix(graph.parameter)}{graph.first}, {graph.second}",
            float(graph.n_components),
            graph_sentence(graph),
        )
        for graph in identification.graphs
    ]
    return (*shares, *graphs)


def _note(term: TermIdentification) -> str:
    guilty = np.flatnonzero(term.unidentified)
    if not len(guilty):
        return ""
    names = ", ".join(term.levels[level] for level in guilty[:MAX_NAMES].tolist())
    if len(guilty) > MAX_NAMES:
        names += ", ..."
    effects = "effects" if term.column == "1" else f"slopes of {term.column}"
    verb = "is not identified on its own" if len(guilty) == 1 else "are not identified on their own"
    return f"{len(guilty)} of {len(term.levels)} {effects} of {term.group} ({names}) {verb}"
