"""Recordings: archives, download, the simulated population, preprocessing, and the region file."""
