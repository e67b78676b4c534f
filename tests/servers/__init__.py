"""Real servers and clocks for tests: they speak the protocols and misbehave on cue."""
