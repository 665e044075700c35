"""Where chains start."""

import numpy as np
from exact_support import marginal_of, statement

from hiermix.engines.exact import chains
from hiermix.engines.exact.marginal import Marginal
from hiermix.engines.exact.parameters import Parameters
from hiermix.engines.exact.proposal import fit_proposal


def test_a_chain_without_a_possible_wide_point_starts_at_the_proposals_centre(monkeypatch):
    marginal = marginal_of(statement("intercepts"))
    rng = np.random.default_rng(0)
    proposal = fit_proposal(marginal.parameters, marginal.log_posterior, rng, 500)
    monkeypatch.setattr(
        Parameters, "draw_wide", lambda self, rng, size: np.full((size, self.size), 800.0)
    )
    start, value = chains._start(marginal, proposal, rng)
    # At the centre no draw of 500 is more than a few units higher, whatever the coordinates.
    highest = marginal.log_posterior(proposal.draw(rng, 500)).max()
    assert value > highest - 3
    assert value == Marginal(marginal.parameters, marginal.moments).log_posterior(start[None])[0]
