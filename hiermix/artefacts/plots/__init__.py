"""Figures of a run: file name -> SVG text."""

from hiermix.artefacts.plots.gallery import figures

__all__ = ["figures"]
