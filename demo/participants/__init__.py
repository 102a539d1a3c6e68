"""The services that take part in the demo: each a process of its own, with a store of its own."""
