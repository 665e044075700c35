import pytest

from hiermix.spec.redaction import credentials_at, redact


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:SECRET@h/db",
        "{url: 'pg://u:SECRET/x@h', b: 1}",
        "s3://KEY:SECRET@bucket/x.csv",
        "https://h/?token=SECRET",
        "a pg://u:SECRET@h and pg://v:SECRET@h",
        "pg://u:two SECRET words@h",
        "password: SECRET",
        "{path: a.csv, token: SECRET}",
        "API_KEY = 'SECRET'",
        "db_password: SECRET",
        "'secret': SECRET",
    ],
)
def test_nothing_after_a_scheme_or_a_secret_key_is_shown_and_columns_stay(text):
    shown = redact(text)
    assert "SECRET" not in shown
    assert len(shown) == len(text)


@pytest.mark.parametrize(
    "text", ["y ~ x + (1|g)", "a: b", "tokens: 3", "y ~ token + x", "data/x.csv", "1:2", "a/b//c"]
)
def test_other_text_is_shown_as_it_is(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("postgresql://u:pw@h/db", 16),
        ("SELECT * FROM 's3://key@b/x'", 21),
        ("see pg://u:p/w@h", 12),
        ("https://example.org/a", None),
        ("mail me@example.org", None),
        ("https://example.org/a me@example.org", None),
    ],
)
def test_credentials_are_found(text, position):
    assert credentials_at(text) == position
