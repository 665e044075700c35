"""The audit against dense algebra: ranks of the matrices that it never builds."""

from itertools import combinations

import numpy as np
import pytest

from hiermix.design.identification import STATUSES, audit_identification
from hiermix.design.types import CommonTerm, Factor, GroupTerm, LinearPart

pytestmark = pytest.mark.statistical

rank = np.linalg.matrix_rank


def factor(name, codes):
    values, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return Factor(name, tuple(name.split(":")), tuple(map(str, values.tolist())), index, counts)


def slope(of, name, values):
    return GroupTerm(f"{name}|{of.name}", name, of, (name,), np.asarray(values, float)[:, None])


def intercept(of):
    return GroupTerm(f"1|{of.name}", "1", of, ("1",), np.ones((len(of.index), 1)))


def dense_effects(part):
    """Text, rows and column of every effect of every level, and of every dummy's set of rows."""
    for term in part.group:
        for position, name in enumerate(term.columns):
            for level, text in enumerate(term.factor.levels):
                rows = term.factor.index == level
                effect = f"{term.factor.name} {text}"
                effect = effect if term.expression == "1" else f"{name} of {effect}"
                yield (term.name, name, level), effect, rows, rows * term.values[:, position]
    for term in part.common:
        rest = 1 - term.values.sum(axis=1)
        names = [term.name, *term.columns]
        for name, column in zip(names, [rest, *term.values.T], strict=True):
            yield None, f"common effect {name}", column == 1, column


def circuits(matrix):
    """Minimal linearly dependent sets of columns, by trying all of them."""
    found = []
    for size in range(1, matrix.shape[1] + 1):
        for chosen in combinations(range(matrix.shape[1]), size):
            inside = any(set(smaller) <= set(chosen) for smaller in found)
            if not inside and rank(matrix[:, chosen]) < size:
                found.append(chosen)
    return found


def expected(part):
    """Status and partners by definition: dependence among columns with the same rows."""
    classes = {}
    for effect in dense_effects(part):
        classes.setdefault(effect[2].tobytes(), []).append(effect)
    answers = {}
    for members in classes.values():
        # Partners are connected by chains of circuits.
        partners = {i: {i} for i in range(len(members))}
        for chosen in circuits(np.stack([column for *_, column in members], axis=1)):
            union = set().union(*(partners[i] for i in chosen))
            for i in union:
                partners[i] = union
        for i, (key, _, _, column) in enumerate(members):
            if key is None:
                continue
            texts = {members[j][1] for j in partners[i] if j != i}
            status = "prior-only" if not column.any() else "sum-only" if texts else "likelihood"
            answers[key] = status, texts
    return answers


def audited(part):
    found = audit_identification((part,), False)
    return {
        (term.term, term.column, level): (
            STATUSES[term.status[level]],
            set(term.partners.get(level, ())),
        )
        for term in found.terms
        for level in range(len(term.levels))
    }


def random_part(rng):
    """Few rows, few values: many levels with equal rows, constant, zero and dependent slopes."""
    while True:
        part = any_part(rng)
        if part.group and all(f.n_groups > 1 for f in part.factors):
            return part


def any_part(rng):
    n = int(rng.integers(4, 16))
    a, b = rng.integers(0, rng.integers(2, 6), n), rng.integers(0, rng.integers(2, 6), n)
    first, second = factor("a", a), factor("b", b)
    codes = {"a": a, "b": b, "a:b": np.char.add(np.char.add(a.astype(str), ":"), b.astype(str))}
    factors = [first, second, factor("a:b", codes["a:b"])]
    x = rng.integers(-1, 3, n)
    z = np.where(rng.random(n) < 0.5, 2 * x + rng.integers(0, 2), rng.integers(0, 3, n))
    terms = []
    for of in factors:
        chosen = rng.random(3) < (0.8, 0.5, 0.4)
        if chosen[0]:
            terms.append(intercept(of))
        if chosen[1]:
            terms.append(slope(of, "x", x))
        if chosen[2]:
            values = np.stack([z, x * z], axis=1).astype(float)
            terms.append(GroupTerm(f"p|{of.name}", "p", of, ("p[0]", "p[1]"), values, ("0", "1")))
    common = ()
    if rng.random() < 0.5:
        of = factors[int(rng.integers(0, 2))]
        dummies = (of.index[:, None] == np.arange(1, of.n_groups)).astype(float)
        columns = tuple(f"f[{label}]" for label in of.levels[1:])
        if columns:
            common = (CommonTerm("f", columns, dummies, of.levels[1:], True, True, False, ("f",)),)
    return LinearPart("mu", True, common, tuple(terms))


def test_statuses_and_partners_are_those_of_dense_ranks():
    rng = np.random.default_rng(20)
    seen = {}
    for _ in range(150):
        part = random_part(rng)
        answers = expected(part)
        assert audited(part) == answers
        for status, texts in answers.values():
            key = status, any("common" in text for text in texts)
            seen[key] = seen.get(key, 0) + 1
    # the comparison is about something: every answer comes up often
    assert seen.keys() == {
        ("likelihood", False),
        ("sum-only", False),
        ("sum-only", True),
        ("prior-only", False),
    }
    assert min(seen.values()) > 50


def test_what_is_sum_only_is_lost_in_the_rank_of_all_columns_together():
    rng = np.random.default_rng(21)
    checked = 0
    for _ in range(40):
        part = random_part(rng)
        found = audited(part)
        effects = list(dense_effects(part))
        matrix = np.stack([column for *_, column in effects], axis=1)
        for place, (key, *_) in enumerate(effects):
            if key is not None and found[key][0] == "sum-only":
                assert rank(np.delete(matrix, place, axis=1)) == rank(matrix)
                checked += 1
    assert checked > 100


@pytest.mark.parametrize("n_rows", [8, 20, 60])
def test_the_rank_of_two_crossed_factors_is_levels_less_components(n_rows):
    rng = np.random.default_rng(n_rows)
    components = []
    for _ in range(30):
        size = int(rng.integers(2, 12))
        block = rng.integers(0, 3, n_rows)
        a = factor("a", block * 100 + rng.integers(0, size, n_rows))
        b = factor("b", block * 100 + rng.integers(0, size, n_rows))
        found = audit_identification(
            (LinearPart("mu", True, (), (intercept(a), intercept(b))),), False
        )
        for graph in found.graphs:
            dense = np.concatenate(
                [f.index[:, None] == np.arange(f.n_groups) for f in (a, b)], axis=1
            ).astype(float)
            assert graph.rank == rank(dense)
            assert sum(rows for *_, rows in graph.parts) <= n_rows
            components.append(graph.n_components)
            if graph.n_components <= 20:
                first, second, rows = np.sum(graph.parts, axis=0)
                assert (first, second, rows) == (a.n_groups, b.n_groups, n_rows)
    assert len(set(components)) > 1


def test_real_numbers_with_imposed_dependencies_have_the_ranks_of_numpy():
    rng = np.random.default_rng(22)
    n_groups = 60
    counts = rng.integers(1, 9, n_groups)
    index = np.repeat(np.arange(n_groups), counts)
    of = factor("g", index)
    x, z = rng.normal(50, 3, len(index)), rng.normal(size=len(index))
    w = rng.normal(size=len(index))
    for level in range(0, n_groups, 3):
        rows = index == level
        w[rows] = rng.normal() * x[rows] + rng.normal() * z[rows] + rng.normal()
    terms = (intercept(of), *(slope(of, n, v) for n, v in zip("xzw", (x, z, w), strict=True)))
    found = audit_identification((LinearPart("mu", True, (), terms),), False)
    status = np.stack([term.status for term in found.terms])
    free = 0
    for level in range(n_groups):
        rows = index == level
        block = np.stack([np.ones(counts[level]), x[rows], z[rows], w[rows]], axis=1)
        for column in range(4):
            dependent = rank(np.delete(block, column, axis=1)) == rank(block)
            assert (status[column, level] == STATUSES.index("sum-only")) == dependent
            free += not dependent
    assert 0 < free < 4 * n_groups


def test_audited_effects_share_a_flat_direction_of_the_likelihood():
    """Moving an effect against its partners leaves the linear predictor as it is."""
    rng = np.random.default_rng(23)
    checked = 0
    for _ in range(40):
        part = random_part(rng)
        columns = {text: column for _, text, _, column in dense_effects(part)}
        found = audit_identification((part,), False)
        for term in found.terms:
            for level, partners in term.partners.items():
                own = f"{term.group} {term.levels[level]}"
                own = own if term.column == "1" else f"{term.column} of {own}"
                if not partners:
                    continue
                matrix = np.stack([columns[text] for text in partners], axis=1)
                weights = np.linalg.lstsq(matrix, columns[own], rcond=None)[0]
                np.testing.assert_allclose(matrix @ weights, columns[own], atol=1e-9)
                checked += 1
    assert checked > 100
