"""Texts from data and numbers, made fit for reading."""

from __future__ import annotations

import math
import unicodedata

MAX_DECIMALS = 8
"""Decimals of a number that is written out; smaller ones have a power of ten."""

MAX_DIGITS = 5
"""Digits of a posterior sd that any Monte Carlo error leaves."""

SMALL = 1e-4
"""Numbers from here on are written out, however small their Monte Carlo error is."""

LARGE = 1e15
"""Numbers from here on have a power of ten."""

HUGE = 1e308
"""Numbers from here on could be rounded to more than a double holds."""

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

MINUS = "\N{MINUS SIGN}"

DASH = "\N{EN DASH}"

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are not printed: controls, direction marks, surrogates..."""


def shown(text: str, limit: int | None = None) -> str:
    r"""Return a text with unprintable characters spelled out, cut to ``limit`` characters.

    Examples
    --------
    >>> shown("a\x00b"), shown("abcdef", 4)
    ('a\\x00b', 'abc…')
    """
    plain = "".join(_escaped(c) if unicodedata.category(c) in UNSEEN else c for c in text)
    if limit is not None and len(plain) > limit:
        return plain[: limit - 1] + ELLIPSIS
    return plain


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


WIDE = frozenset("mwMW@%\N{EM DASH}\N{HORIZONTAL ELLIPSIS}")
NARROW = frozenset("iIjlt.,:;'|![]()/ ")


def ems(text: str) -> float:
    """Return about how wide a text is at most, in units of its font size.

    Examples
    --------
    >>> ems("sigma"), ems("sil"), ems("日本")
    (3.3, 1.4, 2.2)
    """
    return round(sum(_ems(c) for c in text), 1)


def _ems(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.1
    if character in WIDE:
        return 1.0
    if character in NARROW:
        return 0.4
    return 0.72 if character.isupper() else 0.64


def cut_to(text: str, width: float) -> str:
    """Return a text cut, with an ellipsis, so that it is at most ``width`` ems wide.

    Examples
    --------
    >>> cut_to("sigma", 9), cut_to("sigma", 2.5) == "si" + ELLIPSIS
    ('sigma', True)
    """
    if ems(text) <= width:
        return text
    kept = text
    while kept and ems(kept) + 1 > width:
        kept = kept[:-1]
    return kept + ELLIPSIS


def cut_inside(text: str, width: float) -> str:
    """Return a text cut to ``width`` ems so that a third of it is the end of the text.

    Long names often differ at their ends only.

    Examples
    --------
    >>> cut_inside("a_long_predictor_17", 9), cut_inside("sigma", 9)
    ('a_long_p…r_17', 'sigma')
    """
    if ems(text) <= width:
        return text
    end = ""
    for character in reversed(text):
        if ems(character + end) > width / 3:
            break
        end = character + end
    return cut_to(text, width - ems(end)) + end


NEGLIGIBLE = 1e-12
"""An sd below is rounding error of something that does not vary."""


def decimals(mcse: float, sd: float) -> int:
    """Return how many decimals of an estimate mean something; below 0 what is rounded to tens...

    The last digit shown is the first one of the Monte Carlo standard error; without one, the
    second one of the posterior sd.

    Examples
    --------
    >>> decimals(0.02, 1.0), decimals(1.7, 25.0), decimals(math.nan, 0.5)
    (2, 0, 2)
    >>> decimals(6.6e5, 2.8e7), decimals(2.2e-12, 9.3e-11)
    (-5, 12)
    """
    known = math.isfinite(sd) and sd > NEGLIGIBLE
    most = MAX_DIGITS - 1 - math.floor(math.log10(sd)) if known else MAX_DECIMALS
    if math.isfinite(mcse) and mcse > 0:
        digits = -math.floor(math.log10(mcse))
    elif known:
        digits = 1 - math.floor(math.log10(sd))
    else:
        return 3
    return min(digits, max(most, MAX_DECIMALS))


def fixed(value: float | None, digits: int) -> str:
    """Return a number with a fixed count of decimals, a dash for a missing one.

    Below 0 decimals it is rounded to tens, hundreds...; a small number of more than
    ``MAX_DECIMALS`` has a power of ten.

    Examples
    --------
    >>> fixed(1.234, 2), fixed(-0.001, 2), fixed(-12.5, 0) == MINUS + "12"
    ('1.23', '0.00', True)
    >>> fixed(1253484732, -5), fixed(2.17841e-9, 12), fixed(3e-14, 12), fixed(1, 12)
    ('1,253,500,000', '2.178e-09', '0', '1.00000000')
    >>> fixed(1.75e308, -308), fixed(1.7e308, -310)
    ('2e+308', '2e+308')
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else MINUS + "\N{INFINITY}"
    if abs(value) >= LARGE or (digits > MAX_DECIMALS and abs(value) < SMALL):
        return _with_power(value, digits)
    written = min(max(digits, 0), MAX_DECIMALS)
    text = f"{round(value, digits):{',' if digits < 0 else ''}.{written}f}"
    if text.startswith("-"):
        # -0.00 has no sign that means anything.
        text = MINUS + text[1:] if text.strip("-0.") else text[1:]
    return text


MAX_SIGNIFICANT = 15
"""Digits that a double has for certain."""


def _with_power(value: float, digits: int) -> str:
    rounded = value if abs(value) >= HUGE else round(value, digits)
    if not rounded:
        return "0"
    significant = digits + 1 + math.floor(math.log10(abs(rounded)))
    return compact(rounded, min(max(significant, 1), MAX_SIGNIFICANT))


def compact(value: float | None, digits: int = 3) -> str:
    """Return a number with some significant digits, a dash for a missing one.

    Examples
    --------
    >>> compact(0.0123456), compact(1234567.0), compact(100.0), compact(None) == DASH
    ('0.0123', '1.23e+06', '100', True)
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return fixed(value, 0)
    text = f"{value:.{digits}g}"
    return MINUS + text[1:] if text.startswith("-") else text


def seconds_text(seconds: float) -> str:
    """Return a duration for people.

    Examples
    --------
    >>> seconds_text(0.034), seconds_text(12.34), seconds_text(754)
    ('0.03 s', '12.3 s', '12 min 34 s')
    """
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def bytes_text(size: float) -> str:
    """Return a size for people.

    Examples
    --------
    >>> bytes_text(512), bytes_text(3_500_000)
    ('512 B', '3.3 MiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
