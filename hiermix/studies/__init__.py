"""Questions that a run does not answer: of several fits, of new rows, of finished runs."""
