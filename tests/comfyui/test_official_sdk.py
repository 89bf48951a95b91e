"""The examples by ComfyUI's official SDK (comfy-sdk), which reaches a server of one's own through comfy-api-proxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from .comfy_server import ComfyServer, free_port
from .outcomes import run_until_there
from .prompts import EXAMPLES, prompt_of

PYTHON = os.environ.get("COMFY_SDK_PYTHON", sys.executable)
WITHIN_S = 240
PROXY = "from comfy_api_proxy.cli import main; main()"
RUN = """
import json, sys
from comfy_sdk import Comfy

with Comfy() as client:
    job = client.run(client.workflows.from_file(sys.argv[1]))
    print(json.dumps({node: [len(one.to_bytes()) for one in job.get_outputs(node)] for node in sys.argv[2:]}))
"""


@pytest.fixture(scope="module")
def proxy(comfy: ComfyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a proxy before the server."""
    if subprocess.run([PYTHON, "-c", "import comfy_sdk, comfy_api_proxy"], capture_output=True).returncode:
        pytest.skip("these tests need comfy-sdk and comfy-api-proxy: COMFY_SDK_PYTHON says which Python has them")
    address, log = f"http://127.0.0.1:{free_port()}", tmp_path_factory.mktemp("proxy") / "log.txt"
    command = [PYTHON, "-c", PROXY, "run", "--comfyui", comfy.address, "--port", address.rsplit(":", 1)[1]]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        while not _answers(address):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield address
        process.terminate()


def _answers(address: str) -> bool:
    try:
        return bool(requests.get(address, timeout=5).status_code)
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_official_sdk_runs_each_example_and_is_handed_its_clips(
    comfy: ComfyServer, proxy: str, example: Path, tmp_path: Path
):
    info = comfy.get("/object_info")
    prompt, file = prompt_of(example, info), tmp_path / "workflow_api.json"
    file.write_text(json.dumps(prompt), encoding="utf-8")
    kinds = {name: info[one["class_type"]] for name, one in prompt.items()}
    clips = [name for name, kind in kinds.items() if kind["category"] == "Remote Video" and kind["output_node"]]
    if any(entry["inputs"].get("wait") is False for entry in prompt.values()):
        run_until_there(comfy, prompt)
    environment = {**os.environ, "COMFY_BASE_URL": proxy}
    ended = subprocess.run(
        [PYTHON, "-c", RUN, str(file), *clips], capture_output=True, encoding="utf-8", timeout=WITHIN_S, env=environment
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    sizes = json.loads(ended.stdout.splitlines()[-1])
    assert clips and all(sizes[name] and min(sizes[name]) > 1000 for name in clips), sizes
