"""Questions that take more than one fit, or a fit of something else than the spec says."""
