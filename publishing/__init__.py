"""What ComfyUI's registry reads of the pack, and what it says of a version. Not part of the pack: it never ships."""
