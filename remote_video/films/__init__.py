"""Films: clips joined into one file, saved as clips are, and found again when the same is joined once more."""
