"""ComfyUI's folders; tests point `BASE` at one of their own."""

from __future__ import annotations

from pathlib import Path

BASE: Path | None = None


def _folder(name: str) -> str:
    if BASE is None:
        raise RuntimeError("this test has not said where ComfyUI's folders are")
    return str(BASE / name)


def get_output_directory() -> str:
    """Where saved files go."""
    return _folder("output")


def get_input_directory() -> str:
    """Where uploads go."""
    return _folder("input")


def get_temp_directory() -> str:
    """Emptied at every start."""
    return _folder("temp")


def get_system_user_directory(name: str = "system") -> str:
    """Not served over HTTP."""
    return _folder(f"user/__{name}")


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    """The file that a widget of LoadImage names."""
    return str(Path(default_dir or _folder("input")) / name)
