"""Runs jobs: one engine per process owns them; whoever wants a clip watches."""
