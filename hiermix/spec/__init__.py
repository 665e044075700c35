"""YAML text to a frozen, checked ``RunSpec`` with the position of every key, and back."""

from hiermix.spec.arms import ArmCounts, ArmsSpec
from hiermix.spec.load import LoadedSpec, load_spec
from hiermix.spec.models import (
    CreSpec,
    DataSpec,
    FitSpec,
    GatesSpec,
    ModelSpec,
    OutputsSpec,
    QuestionSpec,
    RunSpec,
)
from hiermix.spec.resolved import canonical_json, resolved_yaml
from hiermix.spec.schema import json_schema
from hiermix.spec.source import SourceMap

__all__ = [
    "ArmCounts",
    "ArmsSpec",
    "CreSpec",
    "DataSpec",
    "FitSpec",
    "GatesSpec",
    "LoadedSpec",
    "ModelSpec",
    "OutputsSpec",
    "QuestionSpec",
    "RunSpec",
    "SourceMap",
    "canonical_json",
    "json_schema",
    "load_spec",
    "resolved_yaml",
]
