import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from hiermix.spec.distributions import DISTRIBUTIONS, OTHER_NAMES


def signatures():
    """Argument names and defaults of every ``dist`` in PyMC's source, read without importing."""
    folder = Path(find_spec("pymc").origin).parent / "distributions"
    found = {}
    for path in (folder / "continuous.py", folder / "multivariate.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef) and item.name == "dist":
                        names = [a.arg for a in item.args.args][1:]
                        found[node.name] = (names, [a.arg for a in item.args.kwonlyargs])
    return found


PYMC = signatures()


@pytest.mark.parametrize("name", sorted(set(DISTRIBUTIONS) - {"LKJ"}))
def test_names_are_pymcs_and_the_order_too(name):
    distribution = DISTRIBUTIONS[name]
    positional, by_name = PYMC[name]
    names = [a.name for a in distribution.arguments]
    assert set(names) | {a.name for a in distribution.alternative} <= {*positional, *by_name}
    ours = [n for n in names if n in positional]
    assert ours == [n for n in positional if n in ours]


def test_only_correlations_have_a_distribution_that_pymc_does_not_call_so():
    assert set(DISTRIBUTIONS) - set(PYMC) == {"LKJ"}
    assert DISTRIBUTIONS["LKJ"].support == "correlation"


def test_improper_distributions_are_not_offered():
    assert not {"Flat", "HalfFlat"} & set(DISTRIBUTIONS)


def test_other_spellings_lead_to_known_names():
    assert set(OTHER_NAMES.values()) <= set(DISTRIBUTIONS)
