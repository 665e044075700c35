"""What a spec may say about gates: ``gates.policy``, ``gates.limits`` and ``gates.waive``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from hiermix.errors import InputErrors, SpecError, Where
from hiermix.gates.catalogue import Gate, catalogue, load_catalogue
from hiermix.spec.nearest import did_you_mean, either


def check_policy(policy: str) -> None:
    """Raise ``SpecError`` unless ``policy`` is one of the catalogue's.

    Examples
    --------
    >>> check_policy("publish")
    >>> check_policy("publsh")
    Traceback (most recent call last):
    hiermix.errors.SpecError: there is no policy 'publsh'; did you mean 'publish'?
    """
    policies = tuple(load_catalogue().policies)
    if policy not in policies:
        raise SpecError(
            "gates.unknown-policy",
            f"there is no policy {policy!r}{did_you_mean(str(policy), policies)}",
            Where(key="gates.policy"),
            f"use {either(policies)}",
        )


def check_gate_settings(limits: Mapping[str, float], waive: Mapping[str, str]) -> None:
    """Check the names and values under ``gates.limits`` and ``gates.waive``.

    Raises
    ------
    SpecError
        For an unknown gate, a limit that is not a finite number within the gate's range, a gate
        that cannot be waived or a waiver without a reason; ``InputErrors`` if several.
    """
    by_name = {name: gate for gate in catalogue() for name in gate.names}
    errors = [*_limit_errors(limits, by_name), *_waive_errors(waive, by_name)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors)


def _limit_errors(limits: Mapping[str, float], by_name: Mapping[str, Gate]) -> Iterator[SpecError]:
    for name, value in limits.items():
        key = f"gates.limits.{name}"
        gate = by_name.get(name)
        if gate is None:
            yield _unknown(name, key, by_name)
        elif gate.limit_range is None:
            yield SpecError(
                "gates.fixed-limit",
                f"{key} cannot be set: the limit of this gate is fixed",
                Where(key=key),
                "waive the gate with a reason under gates.waive"
                if gate.waivable
                else "this gate can be neither changed nor waived",
            )
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield _outside(key, gate, f"not {value!r}")
        elif not math.isfinite(value) or value not in gate.limit_range:
            yield _outside(key, gate, f"not {value:g}")


def _waive_errors(waive: Mapping[str, str], by_name: Mapping[str, Gate]) -> Iterator[SpecError]:
    for name, reason in waive.items():
        key = f"gates.waive.{name}"
        gate = by_name.get(name)
        if gate is None:
            yield _unknown(name, key, by_name)
        elif not gate.waivable:
            yield SpecError(
                "gates.not-waivable",
                f"{key}: this gate cannot be waived",
                Where(key=key),
                gate.remedy,
            )
        elif not isinstance(reason, str) or not reason.strip():
            yield SpecError(
                "gates.no-reason",
                f"{key} needs a reason",
                Where(key=key),
                "say in a sentence why this failure is acceptable; the verdict prints it",
            )


def _outside(key: str, gate: Gate, given: str) -> SpecError:
    return SpecError(
        "gates.limit-range",
        f"{key} must be in {gate.limit_range}, {given}",
        Where(key=key, caret=1),
        f"it is the limit on the {gate.title}",
    )


def _unknown(name: str, key: str, known: Iterable[str]) -> SpecError:
    names = list(known)
    return SpecError(
        "gates.unknown-gate",
        f"{key}: there is no gate {name!r}{did_you_mean(str(name), names)}",
        Where(key=key),
        f"gates are {', '.join(n for n in names if '[' not in n)}",
    )
