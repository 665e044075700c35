"""Figures of a run: file name -> SVG text."""

from hiermix.artefacts.plots.figures import figures

__all__ = ["figures"]
