import numpy as np
import pytest

from hiermix.engines.draws import ChainDraws, load_chain, save_chain, stack_chains


@pytest.fixture
def chain():
    rng = np.random.default_rng(0)
    return ChainDraws(
        {"x": rng.normal(size=50), "u": rng.normal(size=(50, 3))},
        {"diverging": np.zeros(50, dtype=bool)},
    )


def test_a_kept_chain_comes_back_bit_for_bit(tmp_path, chain):
    save_chain(tmp_path / "kept", 2, chain)
    back = load_chain(tmp_path / "kept", 2, draws=50)
    for name, array in chain.values.items():
        np.testing.assert_array_equal(back.values[name], array)
    np.testing.assert_array_equal(back.stats["diverging"], chain.stats["diverging"])
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["chain-2.npz"]


def test_a_missing_damaged_or_shorter_chain_is_not_used(tmp_path, chain):
    assert load_chain(tmp_path, 0, draws=50) is None
    save_chain(tmp_path, 0, chain)
    assert load_chain(tmp_path, 0, draws=60) is None
    path = tmp_path / "chain-0.npz"
    path.write_bytes(path.read_bytes()[:200])
    assert load_chain(tmp_path, 0, draws=50) is None


def test_stored_chains_are_read_without_pickle(tmp_path, chain):
    np.savez(tmp_path / "chain-0.npz", **{"value:x": np.array([object()] * 50, dtype=object)})
    assert load_chain(tmp_path, 0, draws=50) is None


def test_chains_are_stacked_in_order(chain):
    other = ChainDraws({n: v + 1 for n, v in chain.values.items()}, chain.stats)
    raw = stack_chains([chain, other])
    assert raw.values["u"].shape == (2, 50, 3)
    np.testing.assert_array_equal(raw.values["x"][1], other.values["x"])
