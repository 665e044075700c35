"""Dependencies among columns, where rounding and scale could mislead."""

import numpy as np
import pytest

from hiermix.design.identification import audit_identification
from hiermix.design.identification import sets as sets_module
from hiermix.design.identification.algebra import find_links, first_member
from hiermix.design.types import Factor, GroupTerm, LinearPart

N_ROWS = 12


def labels(slopes, n_ones=1):
    """Set of each column, the ones first, for all rows as one set."""
    values = np.stack([np.asarray(column, dtype=float) for column in slopes])
    size, spread = np.abs(values).max(axis=1), np.ptp(values, axis=1)
    return first_member(find_links(values, np.array([0]), n_ones, size, spread).linked)[0].tolist()


def numbers(seed=0):
    return np.random.default_rng(seed).normal(size=N_ROWS)


@pytest.mark.parametrize("offset", [0.0, 2020.0, 1.7e9])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_a_slope_far_from_zero_or_of_any_scale_is_not_taken_for_a_constant(offset, scale):
    x = (offset + 100 * np.arange(N_ROWS)) * scale
    assert labels([x]) == [-1, -1]
    assert labels([x, numbers()]) == [-1, -1, -1]


@pytest.mark.parametrize(
    ("value", "spread"), [(0.1, 1.0), (1 / 3, 1e3), (1e-300, 1.0), (-1e9 / 3, 1e-3)]
)
def test_a_constant_is_one_with_the_ones_whatever_its_value(value, spread):
    x = np.full(100_000, value)
    found = find_links(x[None], np.array([0]), 1, np.array([abs(3 * value)]), np.array([spread]))
    assert found.constant[0, 0]
    assert first_member(found.linked).tolist() == [[0, 0]]


def test_rounding_zeros_of_a_computed_column_are_zero():
    values = np.array([[1e-17, -1e-17, 2e-17, 0.4, 0.2, 0.1]])
    found = find_links(values, np.array([0, 3]), 1, np.array([0.4]), np.array([0.5]))
    assert found.zero.tolist() == [[True], [False]]


def test_a_dependency_that_needs_the_ones_joins_them_and_another_does_not():
    x, z = numbers(1), numbers(2)
    assert labels([x, 2 * x + 3]) == [0, 0, 0]
    assert labels([x, 3 * x]) == [-1, 1, 1]
    assert labels([x, z, x - z]) == [-1, 1, 1, 1]
    assert labels([x, z, x - z + 1e-3]) == [0, 0, 0, 0]
    assert labels([x - x.mean(), 2 * (x - x.mean())]) == [-1, 1, 1]
    assert labels([x, 2 * x + 3], n_ones=0) == [-1, -1]


def test_a_dependency_far_from_zero_does_not_join_the_ones():
    x = 1.7e9 + 100 * numbers(1)
    assert labels([x, 3 * x]) == [-1, 1, 1]


def test_separate_dependencies_are_separate_sets():
    x, z = numbers(1), numbers(2)
    assert labels([x, z, 2 * x, -z]) == [-1, 1, 2, 1, 2]
    assert labels([x, z, 2 * x, np.full(N_ROWS, 4.0)]) == [0, 1, -1, 1, 0]


def test_columns_that_only_others_connect_are_one_set():
    x, z = numbers(1), numbers(2)
    x, z = x - x.mean(), z - z.mean()
    x, z = x / np.linalg.norm(x), z - (z @ x) / (x @ x) * x
    z /= np.linalg.norm(z)
    # the projector has a zero between the first two columns
    assert labels([x, z, x + z, x - z]) == [-1, 1, 1, 1, 1]


def test_a_nearly_dependent_column_is_still_known():
    x = numbers(1)
    assert labels([x, x + 1e-4 * numbers(2)]) == [-1, -1, -1]
    assert labels([x, x + 1e-7 * numbers(2)]) == [-1, 1, 1]


def test_a_first_row_far_from_the_others_hides_no_difference():
    rng = np.random.default_rng(4)
    x, z = rng.normal(size=(2, 10_000))
    x[0] = z[0] = 3e5
    assert labels([x, z]) == [-1, -1, -1]


def test_pieces_of_any_size_give_the_same_answer(monkeypatch):
    rng = np.random.default_rng(5)
    index = rng.integers(0, 40, size=150)
    index = np.unique(index, return_inverse=True)[1]
    levels = tuple(f"g{i}" for i in range(index.max() + 1))
    factor = Factor("g", ("g",), levels, index, np.bincount(index))
    terms = [GroupTerm("1|g", "1", factor, ("1",), np.ones((150, 1)))]
    for name in "xz":
        values = rng.integers(0, 3, size=(150, 1)).astype(float)
        terms.append(GroupTerm(f"{name}|g", name, factor, (name,), values))
    part = LinearPart("mu", True, (), tuple(terms))
    whole = audit_identification((part,), False)
    monkeypatch.setattr(sets_module, "PIECE", 7)
    small = audit_identification((part,), False)
    assert whole.n_unidentified > 10
    for one, other in zip(whole.terms, small.terms, strict=True):
        assert one.status.tolist() == other.status.tolist()
        assert one.kind.tolist() == other.kind.tolist()
        assert dict(one.partners) == dict(other.partners)
