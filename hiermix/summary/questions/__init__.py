"""Questions that the joint posterior answers: contrasts, probabilities, choices."""
