"""The saga runtime."""
