"""A finished run on disk, made without any sampling."""

import math

import pandas as pd
import pytest

from hiermix.artefacts.judgement import write_measurements, write_verdict
from hiermix.artefacts.manifest import Manifest, file_entries
from hiermix.artefacts.tables import write_tables
from hiermix.gates import Verdict, judge
from hiermix.gates.catalogue import PHASES
from hiermix.measurement import Measurement
from hiermix.summary import Tables
from hiermix.summary.tables import empty_cre

RESOLVED = """\
schema_version: 1
name: demo
data: {path: /data.csv}
model: {formula: "y ~ x + (1 | g)"}
fit: {seed: 1}
gates: {policy: publish, limits: {dropped: 0.4}, waive: {rows: "a demonstration"}}
"""

MEASUREMENTS = (
    Measurement("rows_used", "data", "rows", 0.0),
    Measurement("rows_dropped_share", "data", "rows", 0.3),
)


def _tables():
    summary = pd.DataFrame(
        {
            "parameter": ["Intercept", "1|g_sigma"],
            "role": ["common", "group_sd"],
            "mean": [1.5, 0.1],
        }
    )
    effects = pd.DataFrame(
        {
            "group": ["g", "g"],
            "level": ["007", "a|b\x1b[31m"],
            "term": ["1|g", "1|g"],
            "deviation_mean": [0.123456789, math.nan],
            "identified": pd.array([True, pd.NA], dtype="boolean"),
        }
    )
    variance = pd.DataFrame(
        {"component": ["mu"], "group": ["g"], "term": ["1|g"], "quantity": ["sd"], "mean": [0.1]}
    )
    identification = pd.DataFrame(
        {"group": ["Subject"], "level": ["308"], "term": ["Intercept"], "status": ["likelihood"]}
    )
    return Tables(summary, effects, variance, empty_cre(), identification)


@pytest.fixture
def stored_run(tmp_path):
    """Return the directory of a run whose only failures are what was not measured."""
    folder = tmp_path / "demo" / "abcdef012345"
    folder.mkdir(parents=True)
    verdict = judge(MEASUREMENTS, policy="publish", phases=PHASES, waive={"rows": "why not"})
    assert isinstance(verdict, Verdict)
    write_verdict(folder, verdict)
    write_measurements(folder, MEASUREMENTS)
    write_tables(folder, _tables())
    (folder / "spec.resolved.yaml").write_text(RESOLVED)
    texts = dict.fromkeys(("started_at", "finished_at", "python", "platform"), "")
    sections = {name: {} for name in ("spec", "data", "model", "fit", "seconds", "versions")}
    manifest = Manifest(
        path=folder,
        name="demo",
        fingerprint=folder.name,
        verdict=verdict.status,
        policy=verdict.policy,
        peak_memory_bytes=0,
        files=file_entries(folder),
        **texts,
        **sections,
    )
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder
