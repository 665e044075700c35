import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from hiermix.spec.families import FAMILIES, LINKS

BAMBI = Path(find_spec("bambi").origin).parent


def assigned(tree, name):
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value
    raise LookupError(name)


def plain(node):
    """Return a literal, with the names of classes as text."""
    if isinstance(node, ast.Dict):
        return {plain(k): plain(v) for k, v in zip(node.keys, node.values, strict=True)}
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def built_in():
    source = (BAMBI / "defaults" / "families.py").read_text()
    return plain(assigned(ast.parse(source), "BUILTIN_FAMILIES"))


def supported_links():
    found = {}
    for name in ("univariate.py", "multivariate.py"):
        for node in ast.parse((BAMBI / "families" / name).read_text()).body:
            if isinstance(node, ast.ClassDef):
                for item in node.body:
                    if isinstance(item, ast.Assign) and item.targets[0].id == "SUPPORTED_LINKS":
                        found[node.name] = ast.literal_eval(item.value)
    return found


BUILT_IN = built_in()
SUPPORTED = supported_links()


def test_the_families_are_bambis():
    assert set(FAMILIES) == set(BUILT_IN)
    assert len(FAMILIES) == 29


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_parameters_and_links_are_bambis(name):
    family, theirs = FAMILIES[name], BUILT_IN[name]
    links = SUPPORTED[theirs["family"]]
    parent = theirs["likelihood"]["parent"]
    assert family.parent == parent
    assert family.link == theirs["link"][parent]
    assert set(family.links) == set(links[parent])
    others = [p for p in theirs["likelihood"]["params"] if p != parent]
    assert [p.name for p in family.parameters] == others
    for parameter in family.parameters:
        assert set(parameter.links) == set(links[parameter.name])
        assert parameter.links[0] == theirs["link"][parameter.name]


def test_the_default_link_is_allowed():
    for family in FAMILIES.values():
        assert family.link in family.links
        assert set(family.links) <= set(LINKS)


def test_parameters_are_found_by_name():
    assert FAMILIES["gaussian"].parameter("sigma").role == "residual"
    assert FAMILIES["negativebinomial"].parameter("alpha").role == "auxiliary"
    with pytest.raises(KeyError):
        FAMILIES["poisson"].parameter("sigma")


def test_thresholds_have_no_formula_of_their_own():
    assert FAMILIES["cumulative"].components == ()
    assert FAMILIES["t"].components == ("sigma", "nu")
