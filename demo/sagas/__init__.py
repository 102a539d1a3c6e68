"""What `sagac gen` makes of the specs: read it, do not edit it."""
