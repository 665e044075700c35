import ctypes

import numba
import numpy as np
import nutpie
import pymc as pm
import pytest
from nutpie import compile_pymc

from hiermix.engines.nutpie_entry import expand_entry, light_entries, logp_entry

pytestmark = pytest.mark.slow


def entered(raw, arguments, *, more=()):
    """Compile a raw function and call it; return its code."""
    function, signature = raw
    compiled = numba.cfunc(signature)(function)
    kinds = [ctypes.c_uint64] * (1 + len(more)) + [ctypes.c_void_p] * (len(arguments) + 1)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(compiled.address)
    pointers = [array.ctypes.data for array in arguments]
    return lambda dim: call(dim, *more, *pointers, 0)


@numba.njit
def half_square(x):
    if x[0] > 100:
        raise ValueError("too far")
    return np.array(-0.5 * (x**2).sum()), -x


@numba.njit
def twice(x):
    if x[0] > 100:
        raise ValueError("too far")
    return (np.concatenate((x, 2 * x)),)


@pytest.fixture(scope="module")
def logp():
    x, slopes, value = np.empty(3), np.empty(3), np.empty(1)
    call = entered(logp_entry(3, half_square), (x, slopes, value))

    def at(*point, dim=3):
        x[:] = point
        code = call(dim)
        return code, value[0], slopes.copy()

    return at


def test_log_density_and_gradient_are_those_of_the_function(logp):
    code, value, slopes = logp(1.0, 2.0, -3.0)
    assert (code, value) == (0, -7.0)
    np.testing.assert_array_equal(slopes, [-1.0, -2.0, 3.0])


@pytest.mark.parametrize(
    ("point", "code"),
    [((np.nan, 0, 0), 3), ((0, np.inf, 0), 3), ((1e200, 0, 0), 1), ((0, 1e200, 0), 4)],
)
def test_errors_and_infinite_values_are_told_by_nutpies_codes(logp, point, code):
    assert logp(*point)[0] == code


def test_a_point_of_another_length_is_refused(logp):
    assert logp(0, 0, 0, dim=2)[0] == -1


def test_what_is_stored_of_a_point_is_that_of_the_function():
    x, out = np.array([1.0, 2.0]), np.empty(4)
    call = entered(expand_entry(2, 4, twice), (x, out), more=(4,))
    assert call(2) == 0
    np.testing.assert_array_equal(out, [1, 2, 2, 4])
    assert call(3) == -1
    x[0] = 101
    assert call(2) == -2


def test_functions_of_another_type_are_left_to_nutpie():
    assert logp_entry(2, twice) is None
    assert expand_entry(2, 2, half_square) is None


def model():
    with pm.Model(coords={"g": range(5)}) as made:
        sd = pm.HalfNormal("sd")
        effect = pm.Normal("effect", 0, sd, dims="g")
        pm.Normal("y", pm.math.exp(effect), 0.3, observed=np.arange(5.0))
    return made


def test_draws_are_bit_for_bit_those_of_nutpies_own_functions():
    def draws(compiled):
        settings = {"draws": 200, "tune": 200, "chains": 2, "seed": 5, "progress_bar": False}
        tree = nutpie.sample(compiled, **settings)
        return np.concatenate([v.values.ravel() for v in tree["posterior"].data_vars.values()])

    theirs = draws(nutpie.compile_pymc_model(model()))
    with light_entries():
        ours = nutpie.compile_pymc_model(model())
    np.testing.assert_array_equal(draws(ours), theirs)


def test_nutpie_is_itself_again_after_the_block_even_after_an_error():
    before = compile_pymc._make_c_logp_func, compile_pymc._make_c_expand_func
    with pytest.raises(ZeroDivisionError), light_entries():
        raise ZeroDivisionError
    assert (compile_pymc._make_c_logp_func, compile_pymc._make_c_expand_func) == before
