import pytest

from hiermix.errors import SpecError
from hiermix.gates import catalogue
from hiermix.gates.explain import table


@pytest.mark.parametrize("policy", ["explore", "publish", "strict"])
def test_the_table_has_a_row_for_every_gate(policy: str) -> None:
    rows = table(policy)
    assert [row["gate"] for row in rows] == [gate.id for gate in catalogue()]
    assert len({tuple(row) for row in rows}) == 1
    assert all(row["what"] and row["limits"] and row["why"] and row["source"] for row in rows)


def test_limits_are_told_in_words() -> None:
    words = {row["gate"]: row["limits"] for row in table("publish")}
    assert words["rhat"] == "fails unless <= 1.01"
    assert words["levels"] == "warns unless >= 5, fails unless >= 2"
    assert words["rows_per_level"] == "warns unless <= 0.5"


def test_the_table_says_what_can_be_set_and_waived() -> None:
    rows = {row["gate"]: row for row in table("publish")}
    assert rows["rhat"]["settable"] == "(1, 1.1]"
    assert rows["integrity"]["settable"] == ""
    assert not rows["integrity"]["waivable"]


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(SpecError, match="did you mean 'explore'"):
        table("explor")
