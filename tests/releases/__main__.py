"""python tests/releases: write the files of this version, see `write`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
importlib.import_module("conftest")  # loads the pack as ComfyUI does
print(importlib.import_module("releases.write").write())
sys.stdout.flush()
os._exit(0)
