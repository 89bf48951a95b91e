"""A stand-in for the few ComfyUI names this pack uses; `tests/comfyui` holds it against the real ones."""
