"""`comfy_execution`: which node runs, and how an output says it has no value."""
