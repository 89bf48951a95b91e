"""What was paid for: one row per job, its lifecycle, and who works on it."""
