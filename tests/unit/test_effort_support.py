import pytest

from tests.effort_support import TooMuchWork, at_most


def test_a_block_ends_where_its_calls_are_spent():
    turns = []
    with pytest.raises(TooMuchWork), at_most(1000):
        while True:
            turns.append(len(turns))
    assert 0 < len(turns) <= 500


def test_counting_ends_with_the_block():
    with at_most(10):
        pass
    for number in range(1000):
        abs(number)
    with at_most(10):
        pass


def test_a_block_that_catches_the_failure_fails_at_its_end():
    with pytest.raises(TooMuchWork), at_most(10):
        try:
            for number in range(1000):
                abs(number)
        except AssertionError:
            pass
