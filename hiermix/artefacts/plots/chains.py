"""Trace and rank plots: what the chains did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hiermix.artefacts.plots.canvas import CHAINS, FAINT, drawn, frame, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 1.15
HEAD = 0.32
FOOT = 0.1

MAX_PARAMETERS = 12
TRACE_POINTS = 300
"""Points of a chain that are drawn; evenly spaced draws beyond that."""

BINS = 20
BAND = 0.99
"""Probability that a rank bin of independent draws lies inside the grey band."""


def chain_plots(draws: Mapping[str, np.ndarray]) -> str:
    """Return trace plots (left) and rank plots (right), one row a parameter.

    Rank plot: for each chain, how many of its draws fall into each twentieth of the ranks of
    all draws. Chains that sample the same distribution stay near the middle of the grey band,
    which holds 99 % of the bins of independent draws (autocorrelation makes it wider).

    Parameters
    ----------
    draws
        Name -> draws of shape ``(n_chains, n_draws)``, at most ``MAX_PARAMETERS`` of them.

    Notes
    -----
    Rank plots: Vehtari et al. 2021, doi:10.1214/20-BA1221.
    """
    total = len(draws) * (HEAD + ROW + FOOT) + 0.05

    def draw(figure: Figure) -> None:
        top = total
        for name, values in draws.items():
            top -= HEAD + ROW + FOOT
            bottom = top + FOOT
            trace = frame(figure, 0.09, bottom, ROW, 0.51)
            _trace(trace, values)
            trace.set_title(label(name), pad=5)
            _ranks(frame(figure, 0.65, bottom, ROW, 0.325), values)

    return drawn("chains", total, draw, "Trace and rank plots of population-level parameters")


def _trace(axes: Axes, values: np.ndarray) -> None:
    step = max(1, -(-values.shape[1] // TRACE_POINTS))
    where = np.arange(0, values.shape[1], step)
    for chain, colour in zip(values, _colours(len(values)), strict=True):
        axes.plot(where, chain[::step], color=colour, linewidth=0.6, alpha=0.85)
    axes.set_xlim(0, max(values.shape[1] - 1, 1))
    axes.set_xticks([])
    axes.locator_params(axis="y", nbins=4)


def _ranks(axes: Axes, values: np.ndarray) -> None:
    # Imported here: commands that draw nothing do without SciPy.
    from scipy import special

    from hiermix.diagnostics.chains import average_ranks

    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if not np.isfinite(values).all():
        axes.text(0.5, 0.5, "draws are not finite", ha="center", transform=axes.transAxes)
        return
    n_chains, n_draws = values.shape
    share = average_ranks(values.reshape(1, -1)).reshape(values.shape) / values.size
    below = special.bdtr(np.arange(n_draws + 1), n_draws, 1 / BINS)
    low, high = np.searchsorted(below, [(1 - BAND) / 2, (1 + BAND) / 2])
    axes.axhspan(low, high, color=FAINT, alpha=0.22, linewidth=0)
    edges = np.linspace(0, 1, BINS + 1)
    highest = high
    for chain, colour in zip(share, _colours(n_chains), strict=True):
        counts = np.histogram(chain, bins=edges)[0]
        highest = max(highest, counts.max())
        axes.stairs(counts, edges, baseline=None, color=colour, linewidth=0.9)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, highest * 1.1)


def _colours(n_chains: int) -> list[str]:
    return [CHAINS[i % len(CHAINS)] for i in range(n_chains)]
