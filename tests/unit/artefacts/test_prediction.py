"""Draws of a run for prediction."""

import numpy as np
import pytest
import xarray as xr

from hiermix.artefacts import prediction
from hiermix.artefacts.prediction import open_posterior
from hiermix.errors import EnvironmentFault
from hiermix.studies.predict import StoredParameter

U = StoredParameter("u", ("level", "effect"))


@pytest.fixture
def run(tmp_path):
    values = np.arange(2 * 5 * 3 * 2.0).reshape(2, 5, 3, 2)
    data = xr.Dataset(
        {
            "u": (("chain", "draw", "level", "effect"), values),
            "a": (("chain", "draw"), values[..., 0, 0]),
        }
    )
    tree = xr.DataTree.from_dict({"posterior": data})
    tree.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    return tmp_path, values.reshape(10, 3, 2)


def test_draws_come_last_chains_after_one_another(run):
    folder, values = run
    with open_posterior(folder, None) as posterior:
        assert posterior.n_draws == 10
        found = posterior.draws(U)
        some = posterior.draws(U, np.array([2, 0]))
        turned = posterior.draws(StoredParameter("u", ("effect", "level")))
    assert (found == np.moveaxis(values, 0, -1)).all()
    assert (some == found[[2, 0]]).all()
    assert (turned == found.transpose(1, 0, 2)).all()


def test_levels_are_read_piece_by_piece(run, monkeypatch):
    folder, values = run
    monkeypatch.setattr(prediction, "READ_BYTES", 1)
    with open_posterior(folder, None) as posterior:
        found = posterior.draws(U, np.array([2, 0]))
    assert (found == np.moveaxis(values, 0, -1)[[2, 0]]).all()


def test_fewer_draws_are_spread_over_all_chains(run):
    folder, values = run
    with open_posterior(folder, 4) as posterior:
        found = posterior.draws(StoredParameter("a"))
    assert found.tolist() == [values[i, 0, 0] for i in (1, 3, 6, 8)]
    with open_posterior(folder, 99) as posterior:
        assert posterior.n_draws == 10


def test_a_fixed_parameter_has_its_value_as_every_draw(run):
    with open_posterior(run[0], 3) as posterior:
        assert posterior.draws(StoredParameter("sigma", value=0.5)).tolist() == [0.5] * 3


def test_draws_that_are_not_there_are_damage(run):
    with (
        open_posterior(run[0], None) as posterior,
        pytest.raises(EnvironmentFault, match="damaged"),
    ):
        posterior.draws(StoredParameter("nope"))
    (run[0] / "posterior.nc").write_bytes(b"no")
    with pytest.raises(EnvironmentFault, match="damaged"), open_posterior(run[0], None):
        pass
