import pytest

from hiermix.data.labels import as_number, check_labels
from hiermix.errors import DataError


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["g00", "g00 "], "g: 'g00' and 'g00 ' differ only by blanks"),
        (["\ta", "a"], "g: '\\ta' and 'a' differ only by blanks"),
        (
            ["cafe\u0301", "caf\u00e9"],
            "g: 'cafe\\u0301' and 'caf\\xe9' differ only by how accents are stored",
        ),
        (["007", "07", "7"], "g: labels '007','07','7' would merge; read as text"),
        (["0.5", "0.50"], "g: labels '0.5','0.50' would merge; read as text"),
        (["1", "1.0", "2"], "g: labels '1','1.0' would merge; read as text"),
    ],
)
def test_labels_that_look_alike_are_refused(labels, message):
    with pytest.raises(DataError) as caught:
        check_labels("g", labels, may_merge=True)
    assert caught.value.message == message


def test_labels_that_are_the_same_number_may_be_declared_different():
    assert check_labels("g", ["007", "7"], may_merge=False) == ()


def test_labels_that_differ_by_case_are_warned_of():
    assert check_labels("g", ["G00", "g00", "g01"], may_merge=True) == (
        "g: 'G00' and 'g00' differ only by case; they are different levels",
    )


def test_leading_zeros_alone_are_no_problem():
    assert check_labels("g", ["007", "008", "010"], may_merge=True) == ()


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("000", "0"),
        ("+5", "5"),
        ("-05.00", "-5"),
        (".50", "0.5"),
        ("10", "10"),
        (".", "."),
        ("-", "-"),
        ("", ""),
        ("1e3", "1e3"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_number_is_written_in_one_way(label, number):
    assert as_number(label) == number
