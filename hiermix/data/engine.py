"""DuckDB connections that can do no harm: nothing but memory, and what was named before."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from hiermix.errors import DataError, EnvironmentFault, Where

QUERY_SECONDS = 300.0
"""Wall seconds after which a query of a spec is stopped."""

MEMORY_SHARE = 0.5
"""Share of the machine's memory that reading and queries may take."""

LONGEST = 300
"""Characters that a message takes over from DuckDB."""


def connect() -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory.

    It loads no extension, writes no temporary file and sees no Python variable. It works on one
    thread: several put the rows of a large CSV file into another order, now this, now that, and
    the last bits of sums with them. Times with a zone are in UTC, not in that of the machine: they
    become labels, and dates in queries.
    """
    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": "",
            "threads": 1,
            "memory_limit": f"{_memory() * MEMORY_SHARE / 2**20:.0f}MiB",
        },
    )
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    return con


def _memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextmanager
def stopped_in_time(interrupt: Callable[[], None]) -> Iterator[None]:
    """Interrupt a query that takes longer than `QUERY_SECONDS`, and say so.

    Parameters
    ----------
    interrupt
        Stops the query from another thread; the query then raises an error of its own.

    Raises
    ------
    DataError
        The query was stopped.
    """
    late = threading.Event()

    def stop() -> None:
        late.set()
        interrupt()

    timer = threading.Timer(QUERY_SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if not late.is_set():
            raise
        raise DataError(
            "data.query-time",
            f"data.query: stopped after {QUERY_SECONDS:g} s",
            Where(key="data.query"),
            "prepare the data before the run, or look for a join without a condition",
        ) from error
    finally:
        timer.cancel()


def lock(con: duckdb.DuckDBPyConnection, paths: Iterable[Path] = ()) -> None:
    """Take away files and network, except some files, and every way to change that.

    Parameters
    ----------
    con
        The connection; what it holds already stays.
    paths
        Files that it may still read.
    """
    # DuckDB compares with the pattern that it was given as well as with what it found.
    allowed = [text for path in paths for text in (os.fspath(path), pattern(path))]
    con.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def pattern(path: Path) -> str:
    """Return the glob that matches one path only: DuckDB takes every path for a glob."""
    return glob.escape(os.fspath(path))


def literal(text: str) -> str:
    """Quote a text for SQL.

    Examples
    --------
    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote a name for SQL.

    Examples
    --------
    >>> identifier("a b")
    '"a b"'
    """
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def told_as(id: str, start: str, where: Where, hint: str = "") -> Iterator[None]:
    """Turn what DuckDB says into a data error that begins with ``start``."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise memory_fault(start, where) from error
    except duckdb.Error as error:
        raise DataError(id, f"{start}: {said(error)}", where, hint) from error


@contextmanager
def within_memory(start: str) -> Iterator[None]:
    """Say so if the data do not fit into memory."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise memory_fault(start, Where(key="data.path")) from error


def memory_fault(start: str, where: Where) -> EnvironmentFault:
    """Return the error for data that do not fit into memory."""
    return EnvironmentFault(
        "environment.memory",
        f"{start}: not enough memory to read the data",
        where,
        "select fewer rows with data.query",
    )


def said(error: duckdb.Error) -> str:
    """Return the sentence of a DuckDB message, without its copy of the statement."""
    text = " ".join(str(error).split("\n\n")[0].split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
