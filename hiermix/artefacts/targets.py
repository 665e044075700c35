"""``targets.json``: what questions about a finished run can be about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hiermix.artefacts.draws import read_posterior
from hiermix.artefacts.manifest import damaged
from hiermix.errors import EnvironmentFault

if TYPE_CHECKING:
    import pandas as pd

    from hiermix.artefacts.read import StoredRun
    from hiermix.pipeline import RunResult
    from hiermix.spec import QuestionSpec

TARGETS = "targets.json"

VERSION = 1


def targets_text(result: RunResult) -> str:
    """Return the text of ``targets.json``: which draws each effect and parameter is made of."""
    from hiermix.summary.questions.asking import model_targets
    from hiermix.summary.questions.targets import to_json

    plan = result.prepared.plan
    targets = to_json(model_targets(result.prepared.frame, plan), plan)
    content = {"targets_version": VERSION, "targets": targets}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def ask_run(stored: StoredRun, questions: tuple[QuestionSpec, ...]) -> pd.DataFrame:
    """Answer questions from the draws of a finished run, without fitting anything.

    Returns
    -------
    pandas.DataFrame
        As ``questions.csv``, with intervals as the run's spec has them; the answers of a failed
        run say so.

    Raises
    ------
    EnvironmentFault
        If the run is damaged, or older than ``targets.json``.
    InputErrors
        Everything that the run does not have; errors have the key path.
    """
    from hiermix.summary.questions.asking import answer_from_draws
    from hiermix.summary.questions.targets import of_json

    path = stored.path / TARGETS
    if TARGETS not in stored.manifest.files:
        raise EnvironmentFault(
            "run.no-targets",
            f"the run '{stored.path}' has no {TARGETS}: an older hiermix wrote it",
            hint="fit it again with 'hiermix run --force'",
        )
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["targets_version"] != VERSION:
            raise ValueError(f"version {content['targets_version']}")
        posterior = read_posterior(stored.path)
        targets = of_json(content["targets"], posterior)
        spec = stored.manifest.spec
        interval, kind = float(spec["interval"]), spec["interval_kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(stored.path, f"{TARGETS} cannot be read: {error}") from error
    return answer_from_draws(
        questions, targets, posterior, interval, kind, failed=stored.manifest.failed
    )
