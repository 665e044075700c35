"""Statuses and kinds as small numbers, and their words."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What the likelihood says about one effect of one level.

    ``SUM_ONLY``: its column is a combination of others with the same rows. ``PRIOR_ONLY``: its
    column is zero in all of the level's rows.
    """

    LIKELIHOOD = 0
    SUM_ONLY = 1
    PRIOR_ONLY = 2


class Kind(IntEnum):
    """Why an effect has its status."""

    PLAIN = 0
    ISOLATED_PAIR = 1
    ALIASED = 2
    CONSTANT_SLOPE = 3
    FEW_ROWS = 4
    COMMON_EFFECT = 5
    ONE_ROW_PER_LEVEL = 6
    ZERO_COLUMN = 7
    SINGLETON = 8


def _word(name: str) -> str:
    return "" if name == "PLAIN" else name.lower().replace("_", "-")


STATUSES = tuple(_word(status.name) for status in Status)
"""Texts of the statuses, by code; ``likelihood`` has its own code 0."""

KINDS = tuple(_word(kind.name) for kind in Kind)
"""Texts of the kinds, by code; empty for an effect that the likelihood plainly tells."""
