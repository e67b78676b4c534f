"""Pure time: zones, wall clocks, cron.  Knows nothing of campaigns and never reads a clock."""
