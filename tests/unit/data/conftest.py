"""Frames from file contents that are written in the test itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hiermix.data import Frame, Source, read_frame
from hiermix.errors import HiermixError


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Frame]:
    """Write a file and read columns of it: ``read("y,g\\n1,a\\n", y="any", g="category")``."""

    def write_and_read(content: str | bytes, name: str = "d.csv", source=None, **wanted) -> Frame:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_frame(Source(name, **(source or {})), tmp_path, wanted)

    return write_and_read


@pytest.fixture
def refused(read) -> Callable[..., HiermixError]:
    """Read a file that must be refused, and return the first error."""

    def read_and_fail(*args, **kwargs) -> HiermixError:
        with pytest.raises(HiermixError) as caught:
            read(*args, **kwargs)
        return caught.value.flatten()[0]

    return read_and_fail
