"""The saga compiler; imports nothing, so that the command line can say which extra is missing."""
