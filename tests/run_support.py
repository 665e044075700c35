"""Specs of the examples through the stages, without a command line."""

import json
from functools import cache
from pathlib import Path

from hiermix import pipeline
from hiermix.diagnostics.scalars import blocks
from hiermix.spec import load_spec

ROOT = Path(__file__).resolve().parents[1]

EXAMPLES = tuple(sorted(path.stem for path in (ROOT / "specs").glob("*.yaml")))


class Silent:
    def stage(self, name):
        pass

    def progress(self, chains):
        pass

    def warn(self, text):
        pass

    def note(self, text):
        pass


def spec_path(example) -> Path:
    return ROOT / "specs" / f"{example}.yaml"


def reference(example) -> dict:
    path = ROOT / "examples" / example / "reference.json"
    return json.loads(path.read_text(encoding="utf-8"))


def fitted(example, priors, formula=None) -> pipeline.RunResult:
    """Fit an example under other priors than its spec's, or another formula."""
    path = spec_path(example)
    overrides = [f"priors.{name}={prior}" for name, prior in priors.items()]
    if formula is not None:
        overrides.append(f"model.formula={formula}")
    loaded = load_spec(path.read_bytes(), str(path), overrides)
    return pipeline.fit(pipeline.prepare(loaded, path.parent, Silent()), Silent())


def draws_of(result) -> dict:
    """Return the draws of every scalar, shape ``(n_chains, n_draws)``, by its printed name."""
    return {
        name: draws
        for block in blocks(result.fit, result.prepared.plan)
        for name, draws in zip(block.names, block.draws, strict=True)
    }


def reference_draws(example, kind) -> dict:
    """Return the draws of the model and under the priors of a reference of an example."""
    stored = reference(example)[kind]
    return _draws(example, stored["formula"], tuple(stored["priors"].items()))


@cache
def _draws(example, formula, priors) -> dict:
    # References of one model share a fit.
    return draws_of(fitted(example, dict(priors), formula))
