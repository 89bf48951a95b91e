"""What was paid for: the lifecycle table, the ledger that keeps it, and the runner that follows it."""
