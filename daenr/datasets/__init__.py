"""Sources of recordings: the published layout, the download, and the simulated population."""
