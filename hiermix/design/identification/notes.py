"""The audit in a line: how many effects, and the first of them."""

from __future__ import annotations

import numpy as np

from hiermix.design.identification.codes import Status
from hiermix.design.identification.result import Identification
from hiermix.design.identification.words import sentences

NAMED = 3
"""Sentences that the notes of a run hold."""

REPORTED = 20
"""Sentences that ``explain`` and the report have at most."""

PREFIX = "identification: "
"""What the notes begin with."""


def overview(identification: Identification) -> str:
    """Return how many effects the likelihood tells on their own, in a sentence."""
    total = identification.n_effects
    missing = identification.n_unidentified
    if not total:
        return "The model has no group-specific effects."
    if not missing:
        return f"All {total} group-specific effects are identified by the likelihood."
    only_prior = sum(int(np.sum(term.status == Status.PRIOR_ONLY)) for term in identification.terms)
    parts = []
    if missing > only_prior:
        parts.append(f"{missing - only_prior} only in sums with others")
    if only_prior:
        parts.append(f"{only_prior} only through {'its' if only_prior == 1 else 'their'} prior")
    return (
        f"{missing} of {total} group-specific effects {'is' if missing == 1 else 'are'} not "
        f"identified by the likelihood alone: {', '.join(parts)}."
    )


def identification_notes(identification: Identification) -> tuple[str, ...]:
    """Return the notes of a run: none if everything is identified."""
    found = sentences(identification, NAMED + 1)
    if not found:
        return ()
    first = [overview(identification)] if identification.n_unidentified else []
    return tuple(f"{PREFIX}{text}" for text in [*first, *found])
