"""Pixels and sound, to and from bytes. Knows nothing of providers, jobs or ComfyUI.

The way out (an IMAGE tensor becomes what a provider is sent):
    fit.pixels_of -> fit.plan -> encode.encode_image
The way back (the saved file becomes what nodes hand on):
    clip.Clip.open -> .frames() | .last_frame() | .audio()
"""
