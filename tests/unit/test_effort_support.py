import pytest

from tests.effort_support import TooMuchWork, at_most


def test_a_block_ends_where_its_steps_are_spent():
    turns = 0
    with pytest.raises(TooMuchWork), at_most(1000):
        while True:
            turns += 1
    assert 0 < turns <= 1000


def test_counting_ends_with_the_block():
    with at_most(10):
        pass
    for _ in range(1000):
        pass
    with at_most(10):
        pass
