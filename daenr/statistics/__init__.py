"""What is computed from results: metrics, tests per neuron, noise ceilings, intervals of differences."""
