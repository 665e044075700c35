from hiermix.cli.text import line, pad, plain, starred, visible, width


def test_escape_sequences_are_written_out():
    assert visible("\x1b[2Jgone\x07") == "\\x1b[2Jgone\\x07"


def test_line_breaks_are_written_out():
    assert visible("a\nb\r\u2028c\x85d") == "a\\nb\\r\\u2028c\\x85d"


def test_marks_that_turn_the_direction_of_text_are_written_out():
    assert visible("x \u202e+ z\u200b") == "x \\u202e+ z\\u200b"


def test_lone_surrogates_are_written_out():
    assert visible("a\udcffb") == "a\\udcffb"


def test_letters_of_any_language_stay_as_they_are():
    assert visible("Zürich 東京 é") == "Zürich 東京 é"


def test_making_text_visible_twice_changes_nothing_more():
    once = visible("\x1b[31m\u202e\n\\x1b")
    assert visible(once) == once


def test_credentials_in_urls_are_starred_out_at_the_same_length():
    assert starred("s3://KEY:SECRETVALUE@bucket/x") == "s3://" + "*" * 15 + "@bucket/x"
    assert "SECRETVALUE" not in visible("{url: 'postgresql://u:SECRETVALUE@h/db'}")


def test_an_address_without_a_url_is_not_touched():
    assert starred("mail a:b@c and x://host/a@b") == "mail a:b@c and x://host/a@b"


def test_width_counts_columns_of_a_terminal():
    assert width("東京") == 4
    assert width("e\u0301") == 1


def test_padding_accounts_for_wide_letters():
    assert pad("東", 4) == "東  "
    assert pad("long", 2) == "long"


def test_lines_become_plain_text():
    assert plain([line("a", ("b\x1b", "error")), line("c")]) == "ab\\x1b\nc"
