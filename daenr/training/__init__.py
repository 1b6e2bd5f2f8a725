"""The paper's training protocol, checkpoints, controls and devices."""
