import pytest

from hiermix.spec.models import section
from hiermix.spec.not_yet import NOT_YET, not_supported_yet
from hiermix.spec.strict_yaml import read_document


def errors_of(text):
    document = read_document(text, "s.yaml")
    return list(not_supported_yet(document.value, document.source))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model: {scale: true}", "model.scale"),
        ("outputs: {draws: thin}", "outputs.draws"),
    ],
)
def test_what_is_not_supported_yet_is_refused(text, key):
    (error,) = errors_of(text)
    assert error.id == "spec.not-supported-yet"
    assert "not supported yet: " in error.message
    assert error.where.key == key


@pytest.mark.parametrize(
    "text",
    [
        "cre: []",
        "model: {scale: false, bounds: {x: [0, null]}, components: {sigma: ~ x}}",
        "priors: {corx: Normal(0, 1), '1|g': HalfNormal(1)}",
        "fit: {engine: exact, max_attempts: 5}",
        "data: {reduce: auto}",
        "outputs: {draws: full}",
    ],
)
def test_not_asking_for_it_passes(text):
    assert errors_of(text) == []


def test_every_row_is_about_a_key_of_the_spec():
    for row in NOT_YET:
        parent, _, name = row.key.rpartition(".")
        assert parent == "priors" or name in section(parent).model_fields
