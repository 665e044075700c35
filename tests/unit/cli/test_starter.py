import pytest

from hiermix.cli.starter import MAX_TERMS, Column, choose_start
from hiermix.errors import DataError, UsageError


def number(name, distinct=50, low=-1.5, high=9.5, **more):
    return (
        Column(name, "number", 60, 0, distinct, low=low, high=high, **more)
        if ("missing" not in more)
        else Column(name, "number", 60, distinct=distinct, low=low, high=high, **more)
    )


def text(name, distinct=6, missing=0):
    return Column(name, "text", 60, missing, distinct)


def unreadable(name):
    fault = DataError("data.dates", f"{name}: dates are neither numbers nor labels")
    return Column(name, "other", 0, 0, 0, fault=fault)


def start(columns, response=None, group=None):
    return choose_start(columns, "data.csv", response, group)


def test_columns_that_were_asked_for_are_used():
    chosen = start([number("a"), number("b"), text("g")], "b", "g")
    assert chosen.formula == "b ~ a + (1 | g)"
    assert chosen.family == "gaussian"


def test_names_that_are_no_identifiers_are_quoted():
    chosen = start([number("sales £"), number("price per unit"), text("in/out")], "sales £")
    assert chosen.formula == "`sales £` ~ `price per unit` + (1 | `in/out`)"


def test_a_guess_prefers_a_telling_name_and_says_so():
    chosen = start([number("x"), number("y"), text("colour"), text("country")])
    assert (chosen.response.name, chosen.group.name) == ("y", "country")
    assert any("'y' is a guess" in reason for reason in chosen.reasons)
    assert any("'country' is a guess" in reason for reason in chosen.reasons)


def test_a_guess_takes_fractions_before_whole_numbers():
    chosen = start([number("n", whole=True, low=0, high=40), number("amount"), text("g")])
    assert chosen.response.name == "amount"


def test_a_whole_number_column_that_repeats_can_be_the_group():
    chosen = start([number("y"), number("subject_id", distinct=6, whole=True)])
    assert chosen.group.name == "subject_id"


def test_a_column_named_valid_is_not_taken_for_an_identifier():
    columns = [number("y"), number("valid", 5, whole=True), number("shop", 4, whole=True)]
    columns.append(number("site", 5, whole=True))
    assert start(columns).group.name == "site"


def test_zeros_and_ones_suggest_bernoulli():
    columns = [number("clicked", 2, low=0, high=1, whole=True), text("g")]
    assert start(columns, "clicked").family == "bernoulli"


def test_counts_suggest_negativebinomial_and_name_poisson():
    chosen = start([number("visits", 20, low=0, high=40, whole=True), text("g")], "visits")
    assert chosen.family == "negativebinomial"
    assert any("poisson" in reason for reason in chosen.reasons)


def test_whole_numbers_far_from_zero_are_not_counts():
    columns = [number("weight", 40, low=900, high=1100, whole=True), text("g")]
    assert start(columns, "weight").family == "gaussian"


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (text("t"), "not a column of numbers"),
        (unreadable("d"), "'d' is left out: dates are neither numbers nor labels"),
        (number("c", 1), "never varies"),
        (number("row", 60, whole=True), "numbers the rows"),
        (number("gaps", missing=30), "30 of 60 rows"),
        (number("tick`s"), "cannot name it"),
        (number("bell\x07"), "cannot name it"),
    ],
)
def test_columns_that_would_spoil_the_model_are_left_out_with_the_reason(column, why):
    chosen = start([number("y"), column, text("g")], "y", "g")
    assert chosen.formula == "y ~ (1 | g)"
    assert any(why in reason for reason in chosen.reasons)


def test_at_most_six_terms_are_taken():
    chosen = start([number("y"), *(number(f"x{i}") for i in range(9)), text("g")], "y", "g")
    assert len(chosen.terms) == MAX_TERMS
    assert any("6 terms already" in reason for reason in chosen.reasons)


def test_missing_values_in_a_used_column_are_noticed():
    assert start([number("y", missing=2), text("g")], "y", "g").drops_rows
    assert not start([number("y"), number("gaps", missing=30), text("g")], "y", "g").drops_rows


def test_a_misspelt_column_gets_the_nearest_name():
    with pytest.raises(UsageError, match="no column 'sale'") as caught:
        start([number("sales"), text("g")], "sale")
    assert caught.value.hint == "did you mean 'sales'?"


def test_without_a_nearest_name_the_columns_are_listed():
    with pytest.raises(UsageError) as caught:
        start([number("sales"), text("g")], "zzz")
    assert caught.value.hint == "columns: sales, g"


def test_no_possible_group_is_an_error_that_lists_the_columns():
    with pytest.raises(UsageError) as caught:
        start([number("y"), text("name", 60)])
    assert caught.value.id == "usage.no-group"
    assert "columns: y, name" in caught.value.hint


@pytest.mark.parametrize(
    ("columns", "response", "group", "id"),
    [
        ([text("y"), text("g")], "y", "g", "data.response"),
        ([number("y", 1), text("g")], "y", "g", "data.response"),
        ([number("y"), text("g", 1)], "y", "g", "data.group"),
        ([number("y"), text("g")], "y", "y", "data.group"),
        ([number("y"), unreadable("d")], "y", "d", "data.dates"),
        ([unreadable("y"), text("g")], "y", "g", "data.dates"),
        ([number("y`"), text("g")], "y`", "g", "data.column-name"),
    ],
)
def test_columns_that_cannot_play_their_role_are_refused(columns, response, group, id):
    with pytest.raises(DataError) as caught:
        start(columns, response, group)
    assert caught.value.id == id
