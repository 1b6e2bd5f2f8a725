"""Facts of populations, against cases whose answer is known."""

import numpy as np

from daenr.statistics.population import neuron_facts, pair_facts, sparseness


def test_sparseness_is_0_for_equal_answers_and_1_for_a_single_one():
    responses = np.stack([np.ones(10), np.eye(10)[3], np.zeros(10)], axis=1)
    np.testing.assert_allclose(sparseness(responses), [0, 1, 0], atol=1e-12)


def test_facts_of_neurons_and_pairs():
    generator = np.random.default_rng(0)
    rate = generator.gamma(2.0, 1.0, (400, 1))
    shared = generator.normal(0, 1, (30, 400, 1))
    trials = np.concatenate([rate + shared, 2 * rate + 2 * shared, rate - shared], axis=2)
    trials[:, :, 0][trials[:, :, 0] < 0] = 0
    facts = neuron_facts(trials[..., 1:])
    np.testing.assert_allclose(facts["variance"], [4, 1], rtol=0.05)
    np.testing.assert_allclose(facts["mean"], trials[..., 1:].mean((0, 1)))
    pairs = pair_facts(trials[..., 1:])
    assert pairs["signal correlation"][0] > 0.9
    np.testing.assert_allclose(pairs["noise correlation"], [-1], atol=1e-9)
    assert 0 < neuron_facts(trials)["zeros"][0] < 0.3
