"""What the gates found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "warn", "fail", "waived", "not applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of ``gates.json``: a gate, what it saw and what to do about it.

    ``value`` is the worst value seen (``nan`` when missing), ``warn`` and ``fail`` the limits
    that were used, ``where`` the worst parameter, column or level.
    """

    gate: str
    phase: str
    status: Status
    metric: str
    value: float | None
    warn: float | None
    fail: float | None
    where: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings under one policy. ``status`` is the worst of them: pass, warn or fail."""

    policy: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Literal["pass", "warn", "fail"]:
        """The worst status; a waived failure counts as a warning."""
        seen = {f.status for f in self.findings}
        if "fail" in seen:
            return "fail"
        return "warn" if seen & {"warn", "waived"} else "pass"

    @property
    def failed(self) -> bool:
        """Whether any gate failed."""
        return self.status == "fail"

    def __add__(self, other: Verdict) -> Verdict:
        """Join the verdicts of two phases."""
        return Verdict(self.policy, self.findings + other.findings)
