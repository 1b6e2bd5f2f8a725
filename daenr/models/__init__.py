"""The models: encoder and auto-encoders, readouts, and the joint model of both."""
