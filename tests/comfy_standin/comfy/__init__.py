"""`comfy`: the Stop button, the command line."""
