"""Doing it: one engine per process owns the jobs; whoever wants a clip watches."""
