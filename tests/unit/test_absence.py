"""Processes that do without a library."""

import importlib
import sys

import pytest

from hiermix.absence import do_without


@pytest.fixture
def finders(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


def test_a_library_that_a_process_does_without_cannot_be_imported(finders):
    name = "this"
    sys.modules.pop(name, None)
    do_without(name)
    with pytest.raises(ModuleNotFoundError, match="No module named 'this'"):
        importlib.import_module(name)
    # scipy takes whatever stands there for the module.
    assert name not in sys.modules


def test_it_is_told_once_and_nothing_else_is_missing(finders):
    do_without("this")
    before = list(sys.meta_path)
    do_without("this")
    assert sys.meta_path == before
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_a_library_that_is_loaded_stays(finders):
    import json

    do_without("json")
    assert importlib.import_module("json") is json
