"""Images that drive a neuron: how they are found, and what they are worth."""
