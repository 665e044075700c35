"""The formula language: text to terms, and terms to canonical text.

``parse_formula`` reads all of its input or raises; nothing in a formula is ever evaluated here,
and nothing but columns, numbers and the functions of the allowlist comes out of it.
"""

from hiermix.formula.expression import Expression
from hiermix.formula.functions import FUNCTIONS, RESPONSES
from hiermix.formula.model import Formula, GroupTerm, Response, Term
from hiermix.formula.parsing import check_columns, parse_formula, parse_right_side
from hiermix.formula.writers import column_text

__all__ = [
    "FUNCTIONS",
    "RESPONSES",
    "Expression",
    "Formula",
    "GroupTerm",
    "Response",
    "Term",
    "check_columns",
    "column_text",
    "parse_formula",
    "parse_right_side",
]
