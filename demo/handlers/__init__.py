"""What a service engineer writes: one handler a command, over HTTP."""
