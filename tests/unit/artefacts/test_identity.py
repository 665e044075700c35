"""What makes two runs the same run."""

from dataclasses import replace
from importlib import metadata
from types import SimpleNamespace

import pytest

from hiermix.artefacts.identity import fingerprint, versions
from hiermix.gates import Verdict
from tests.unit.artefacts import fabric


@pytest.fixture(scope="module")
def prepared():
    return fabric.prepared(fabric.plan(fabric.design(3, 4)), fabric.load())


def test_it_is_twelve_hex_digits(prepared) -> None:
    found = fingerprint(prepared)
    assert len(found) == 12
    assert int(found, 16) >= 0


def test_the_order_of_keys_and_comments_do_not_matter(prepared) -> None:
    lines = fabric.SPEC.splitlines()
    swapped = "\n".join(["# a comment", *lines[1:2], *lines[:1], *lines[2:]])
    assert fingerprint(replace(prepared, loaded=fabric.load(swapped))) == fingerprint(prepared)


@pytest.mark.parametrize("override", ["fit.draws=2000", "fit.seed=2", "model.family=t"])
def test_every_key_of_the_spec_matters(prepared, override: str) -> None:
    other = replace(prepared, loaded=fabric.load(overrides=(override,)))
    assert fingerprint(other) != fingerprint(prepared)


def test_data_engine_policy_and_versions_matter(prepared, monkeypatch) -> None:
    frame = SimpleNamespace(**{**vars(prepared.frame), "sha256": "cd" * 32})
    others = [
        replace(prepared, frame=frame),
        replace(prepared, engine="other"),
        replace(prepared, verdict=Verdict("strict", ())),
    ]
    here = fingerprint(prepared)
    assert all(fingerprint(other) != here for other in others)
    monkeypatch.setattr(metadata, "version", lambda name: "0")
    assert fingerprint(prepared) != here


def test_a_package_that_is_not_there_is_named_as_such() -> None:
    assert versions(("no-such-package",))["no-such-package"] == "not installed"
