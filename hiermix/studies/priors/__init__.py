"""Draws from the priors of a plan and of the outcomes that they imply, without a posterior."""
