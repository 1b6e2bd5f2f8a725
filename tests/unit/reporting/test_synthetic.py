"""The figure puts each neuron and each pair at its recorded and its synthetic statistic."""

import numpy as np

from daenr.reporting.synthetic import synthetic


def test_a_dot_lies_where_both_statistics_say():
    generator = np.random.default_rng(0)
    recorded, made = generator.gamma(1.0, 1.0, (2, 5, 20, 3))
    mean, variance, *_, noise = synthetic(recorded, made).axes
    np.testing.assert_allclose(
        mean.collections[0].get_offsets(), np.stack([recorded.mean((0, 1)), made.mean((0, 1))], axis=1)
    )
    np.testing.assert_allclose(
        variance.collections[0].get_offsets()[:, 1], made.var(axis=0, ddof=1).mean(axis=0)
    )
    assert noise.get_title().startswith("Noise correlation")
    assert len(noise.collections[0].get_offsets()) == 3


def test_a_silent_neuron_has_no_correlations():
    trials = np.random.default_rng(0).gamma(1.0, 1.0, (5, 20, 3))
    trials[..., 1] = 0
    *_, signal, noise = synthetic(trials, trials).axes
    assert len(signal.collections[0].get_offsets()) == len(noise.collections[0].get_offsets()) == 1
