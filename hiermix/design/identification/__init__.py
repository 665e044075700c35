"""What the likelihood cannot separate, from the columns of the design alone."""

from hiermix.design.identification.audit import audit_identification
from hiermix.design.identification.measure import identification_measurements
from hiermix.design.identification.result import (
    KINDS,
    STATUSES,
    Identification,
    LevelGraph,
    TermIdentification,
)
from hiermix.design.identification.words import sentences

__all__ = [
    "KINDS",
    "STATUSES",
    "Identification",
    "LevelGraph",
    "TermIdentification",
    "audit_identification",
    "identification_measurements",
    "sentences",
]
