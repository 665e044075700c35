"""One Bambi fit as a person would write it, for `engines.py`, in a process of its own.

usage: python tests/bench/bambi_fit.py JOB.json RESULT.json
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def priors(stated: dict[str, Any]) -> dict[str, Any]:
    """Return Bambi's priors for ``{term: [name, {argument: number or such a pair}]}``."""
    import bambi

    def build(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        name, arguments = value
        return bambi.Prior(name, **{key: build(inner) for key, inner in arguments.items()})

    return {term: build(value) for term, value in stated.items()}


def peak_bytes() -> int:
    """Return the largest resident set of this process or of one of its chains' processes."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def cpu_seconds() -> float:
    """Return processor time of this process and of its chains' processes so far."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main(job_path: str, result_path: str) -> None:
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    import bambi
    import pandas as pd

    data = pd.read_parquet(job["data"])
    begin = time.perf_counter()
    options = dict(job["model"])
    if "priors" in options:
        options["priors"] = priors(options["priors"])
    model = bambi.Model(job["formula"], data, family=job["family"], **options)
    fit = model.fit(random_seed=job["seed"], progressbar=False, **job["fit"])
    # What is measured ends here; all below is about it.
    ended, took = time.time(), time.perf_counter() - begin
    cpu, peak = cpu_seconds(), peak_bytes()
    from quality import worst

    posterior = fit["posterior"].to_dataset()
    ess, rhat = worst(posterior)
    result = {
        "ended": ended,
        "model_seconds": took,
        "sampling_seconds": float(posterior.attrs.get("sampling_time", float("nan"))),
        "cpu": cpu,
        "peak_bytes": peak,
        "ess": ess,
        "rhat": rhat,
        "variables": sorted(map(str, posterior.data_vars)),
    }
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
