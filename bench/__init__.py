"""Measurements: what the proofs and the runtime cost."""
