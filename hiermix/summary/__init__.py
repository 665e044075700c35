"""Fit -> tidy tables: population level, group effects, variance components."""

from hiermix.summary.summarise import summarise
from hiermix.summary.tables import Tables

__all__ = ["Tables", "summarise"]
