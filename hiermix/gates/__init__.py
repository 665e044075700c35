"""Measurements -> verdict: a catalogue of gates as data, and the judge that applies it."""

from hiermix.gates.catalogue import Gate, catalogue
from hiermix.gates.judge import judge
from hiermix.gates.settings import check_gate_settings, check_policy
from hiermix.gates.verdict import Finding, Verdict

__all__ = [
    "Finding",
    "Gate",
    "Verdict",
    "catalogue",
    "check_gate_settings",
    "check_policy",
    "judge",
]
