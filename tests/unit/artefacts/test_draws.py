"""posterior.nc opens in ArviZ with the names of the tables."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hiermix.artefacts.draws import read_draws, read_posterior, write_draws

NAMES = ("1|g", "poly(x, 2)", "x.1", "é µ 日本", "$x$", "<script>", "a b", "1|a:b_sigma", "=1+1")
LEVELS = ["a", "c/d", "é", "x\x00y"]


def a_tree(*names: str) -> xr.DataTree:
    rng = np.random.default_rng(1)
    shape = (2, 5, len(LEVELS))
    posterior = xr.Dataset(
        {name: (("chain", "draw", "g__factor_dim"), rng.normal(size=shape)) for name in names},
        {"chain": [0, 1], "draw": np.arange(5), "g__factor_dim": np.array(LEVELS, dtype=object)},
        attrs={"sampler": "nutpie", "settings": {"a": 1}, "nothing": None},
    )
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 5), dtype=bool))})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def test_draws_and_names_survive(tmp_path: Path) -> None:
    tree = a_tree(*NAMES)
    write_draws(tmp_path, tree)
    found = read_draws(tmp_path)
    assert set(found["posterior"].data_vars) == set(NAMES)
    for name in NAMES:
        draws = found["posterior"][name]
        assert draws.dtype == np.float64
        np.testing.assert_array_equal(draws, tree["posterior"][name])
    assert found["sample_stats"]["diverging"].dtype == bool
    assert found["posterior"].attrs == {"sampler": "nutpie", "settings": "{'a': 1}"}
    assert tree["posterior"].attrs["settings"] == {"a": 1}


def test_labels_survive_but_for_the_null_character(tmp_path: Path) -> None:
    write_draws(tmp_path, a_tree("x"))
    levels = read_draws(tmp_path)["posterior"].coords["g__factor_dim"].values.tolist()
    assert levels == ["a", "c/d", "é", "x\N{REPLACEMENT CHARACTER}y"]


@pytest.mark.slow
def test_arviz_opens_it(tmp_path: Path) -> None:
    import arviz

    write_draws(tmp_path, a_tree(*NAMES))
    found = arviz.from_netcdf(str(tmp_path / "posterior.nc"))
    assert set(found.children) == {"posterior", "sample_stats"}
    found.close()


def test_a_damaged_file_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "posterior.nc").write_bytes(b"not netcdf")
    with pytest.raises((OSError, ValueError)):
        read_draws(tmp_path)


def test_the_posterior_can_be_read_by_itself(tmp_path: Path) -> None:
    write_draws(tmp_path, a_tree("1|g", "a/b".replace("/", "\N{DIVISION SLASH}")))
    xr.testing.assert_identical(
        read_posterior(tmp_path), read_draws(tmp_path)["posterior"].to_dataset()
    )
