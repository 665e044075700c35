"""Several models fitted, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hiermix.pipeline import Listener, Prepared, RunResult, fit


def fit_each[T](
    models: Mapping[str, Prepared],
    digest: Callable[[RunResult], T],
    listener: Listener,
    *,
    jobs: int,
) -> dict[str, T]:
    """Fit models and keep what is wanted of each result.

    Parameters
    ----------
    models
        By what they are called.
    digest
        What is kept of a fit; its draws are let go.
    listener
        Hears of the stages of all fits.
    jobs
        How many may be fitted at the same time.

    Raises
    ------
    EngineError
        A fit has no posterior.
    """
    found = {}
    for number, (name, model) in enumerate(models.items(), start=1):
        listener.note(f"fit {number} of {len(models)}: {name}")
        found[name] = digest(fit(model, listener))
    return found
