"""The demonstration: real services, real faults, and what is left of the money afterwards."""
