"""Auto-encoders, readouts and the joint model with its losses; knows nothing of runs, datasets or the paper."""
