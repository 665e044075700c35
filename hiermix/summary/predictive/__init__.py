"""Posterior predictive checks: statistics of the data among those of replicated data."""
