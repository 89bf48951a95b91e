"""The pack from a terminal, without ComfyUI: one clip, a table of clips, and what was paid for before."""
