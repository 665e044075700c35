"""The C functions through which nutpie calls what PyTensor has compiled.

nutpie links the log density and all that it calls into its own C function and compiles the whole
again, in every process, since such functions cannot be kept on disk (8 s for a small model). Those
here call the log density by its address. PyTensor keeps that in its cache of compiled functions,
by content and written atomically: another process with the same model loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, imputils
from numba.extending import intrinsic
from nutpie import compile_pymc

POINT = types.Array(types.float64, 1, "C")
NUMBERS = types.CPointer(types.float64)

WRONG_SIZE, FAILED, GRADIENT_NOT_FINITE, NOT_FINITE = -1, 1, 3, 4
EXPANSION_FAILED = -2
"""What nutpie is told; after 1, 3 and 4 it takes the step for divergent."""

REPLACED = ("_make_c_logp_func", "_make_c_expand_func")
"""Functions of nutpie that make its C functions."""

Raw = tuple[Callable[..., int], Any]
"""A function to be compiled as a C function, and its signature."""


@contextmanager
def light_entries() -> Iterator[None]:
    """Compile models in a block through the functions of this module.

    Where nutpie has no such functions to replace it compiles as it does.
    """
    if not all(hasattr(compile_pymc, name) for name in REPLACED):
        yield
        return
    logp, expand = compile_pymc._make_c_logp_func, compile_pymc._make_c_expand_func

    def light_logp(n_dim: int, function: Any, user_data: Any, keys: Any, data: Any) -> Raw:
        raw = None if keys else logp_entry(n_dim, function)
        return raw or logp(n_dim, function, user_data, keys, data)

    def light_expand(
        n_dim: int, n_expanded: int, function: Any, user_data: Any, keys: Any, data: Any
    ) -> Raw:
        raw = None if keys else expand_entry(n_dim, n_expanded, function)
        return raw or expand(n_dim, n_expanded, function, user_data, keys, data)

    compile_pymc._make_c_logp_func, compile_pymc._make_c_expand_func = light_logp, light_expand
    try:
        yield
    finally:
        compile_pymc._make_c_logp_func, compile_pymc._make_c_expand_func = logp, expand


def logp_entry(n_dim: int, function: Any) -> Raw | None:
    """Return the C function of log density and gradient.

    Parameters
    ----------
    n_dim
        Length of a point.
    function
        Compiled by numba: point -> (log density, shape ``()``; gradient, shape ``(n_dim,)``).

    Returns
    -------
    tuple or None
        ``None`` where the function has another type.
    """
    call, returned = _by_address(function)
    if [getattr(t, "ndim", None) for t in returned] != [0, 1]:
        return None

    def logp_numba(dim, x, gradient, logp, user_data):  # type: ignore[no-untyped-def]
        if dim != n_dim:
            return WRONG_SIZE
        try:
            value, slopes = call(numba.carray(x, (n_dim,)))
        except Exception:
            return FAILED
        logp[0] = value.item()
        finite = True
        for i in range(n_dim):
            gradient[i] = slopes[i]
            finite &= np.isfinite(slopes[i])
        if not finite:
            return GRADIENT_NOT_FINITE
        return 0 if np.isfinite(logp[0]) else NOT_FINITE

    return logp_numba, types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, types.voidptr)


def expand_entry(n_dim: int, n_expanded: int, function: Any) -> Raw | None:
    """Return the C function of all that is stored of a point.

    Parameters
    ----------
    n_dim, n_expanded
        Lengths of a point and of what is stored of it.
    function
        Compiled by numba: point -> (array of shape ``(n_expanded,)``,).

    Returns
    -------
    tuple or None
        ``None`` where the function has another type.
    """
    call, returned = _by_address(function)
    if [getattr(t, "ndim", None) for t in returned] != [1]:
        return None

    def expand_numba(dim, expanded, x, out, user_data):  # type: ignore[no-untyped-def]
        if dim != n_dim or expanded != n_expanded:
            return WRONG_SIZE
        try:
            (values,) = call(numba.carray(x, (n_dim,)))
        except Exception:
            return EXPANSION_FAILED
        for i in range(n_expanded):
            out[i] = values[i]
        return 0

    return expand_numba, types.int64(types.uint64, types.uint64, NUMBERS, NUMBERS, types.voidptr)


def _by_address(function: Any) -> tuple[Any, tuple[Any, ...]]:
    """Compile or load a function of one point; return one that jumps there, and its types.

    Whoever uses it has to keep ``function``, which owns the code.
    """
    function.get_call_template((POINT,), {})
    ((given, compiled),) = function.overloads.items()
    returned = compiled.signature.return_type
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)

    @intrinsic
    def jump(context, x):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            kind = context.call_conv.get_function_type(returned, given)
            pointer = ir.Constant(ir.IntType(types.intp.bitwidth), address)
            code = builder.inttoptr(pointer, kind.as_pointer())
            if isinstance(given[0], types.BaseTuple):
                arguments = [context.make_tuple(builder, given[0], arguments)]
            status, result = context.call_conv.call_function(
                builder, code, returned, given, arguments
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return imputils.impl_ret_new_ref(context, builder, returned, result)

        return returned(x), generate

    @numba.njit(no_cpython_wrapper=True)
    def call(x):  # type: ignore[no-untyped-def]
        return jump(x)

    return call, tuple(returned)
