"""Gaussian models with coefficients and group-specific effects integrated out."""

from hiermix.engines.exact.engine import ExactEngine

__all__ = ["ExactEngine"]
