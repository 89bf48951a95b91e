"""The tasks of a contributor, on Linux, macOS and Windows: `python tasks.py` lists them. `make` calls it, too.

Only the standard library, and nothing that an old Python can't read: it is what says that a Python is too old.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
REQUIREMENTS = ROOT / "requirements-dev.txt"
READY = VENV / ".ready"
"""The list of packages that was installed: another list is installed again."""
OLDEST = (3, 10)
TYPESCRIPT = "5.9.3"
TSC = VENV / "web" / "node_modules" / "typescript" / "bin" / "tsc"
# exec, eval, several statements in a line: comfy-cli looks for them, and only warns.
REFUSED_BY_THE_REGISTRY = "S102,S307,E702"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# A file's tests stay together: some of them share what is dear to make. tests/conftest.py says which begin first.
# Many of them wait, so that two cores have work for four processes.
SIDE_BY_SIDE = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
SOAKED = ("engine", "ledger", "studio", "catalogue", "media/test_hostile.py")
PYTEST = (PYTHON, "-m", "pytest", "-q", "-m")
PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check")
TORCH_IS_HERE = "from importlib.metadata import version; print(version('torch'))"
# Dozens of processes import the same files: what is compiled once is kept.
# glibc keeps memory apart for each thread, and each of the four has hundreds over time: 0.7 GB in place of 1.2 GB each.
MANY_PROCESSES = {"PYTHONDONTWRITEBYTECODE": "", "MALLOC_ARENA_MAX": "2"}
CALLED_IN = Path.cwd()


class Stop(Exception):
    """A task can't go on: the sentence that says why, and the exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def show_help() -> None:
    """list the tasks"""
    for name, task in TASKS.items():
        first, *more = (" ".join(part.split()) for part in (task.__doc__ or "").split("|"))
        print(f"make {name:<13} {first}")
        for line in more:
            print(f"{'':18} {line}")
    print("PYTHON=... names the Python that .venv is made with. Without make it is: python tasks.py TASK")


def demo() -> None:
    """five clips from one photograph in the sandbox, no key needed; writes demo_output/"""
    ready()
    run(PYTHON, "demo")


def clean_demo() -> None:
    """remove demo_output/"""
    shutil.rmtree(ROOT / "demo_output", ignore_errors=True)


def test() -> None:
    """every test that needs no ComfyUI"""
    ready()
    run(*PYTEST, "not comfyui", *SIDE_BY_SIDE, **MANY_PROCESSES)
    run(program("node"), "--test", *sorted((ROOT / "tests" / "web").glob("*.test.js")))


def coverage() -> None:
    """what of the engine the tests of the engine run through, lines and branches"""
    ready()
    measure = (PYTHON, "-m", "coverage")
    run(*measure, "erase")
    run(*measure, "run", *PYTEST[1:], "not comfyui", "--timeout", "600", "tests/engine", **MANY_PROCESSES)
    run(*measure, "combine", "--quiet")
    run(*measure, "report")


def lint() -> None:
    """ruff (rules, format), mypy --strict, tsc --strict over web/, and what ComfyUI's registry reads"""
    ready()
    run(PYTHON, "-m", "ruff", "check", ".")
    run(PYTHON, "-m", "ruff", "format", "--check", ".")
    run(PYTHON, "-m", "ruff", "check", "--quiet", "--isolated", "--select", REFUSED_BY_THE_REGISTRY, ".")
    run(PYTHON, "-m", "publishing", "fields")
    link(ROOT / ".types" / "remote_video_pack", ROOT)
    run(PYTHON, "-m", "mypy")
    if not TSC.exists():
        options = ("--silent", "--no-save", "--no-package-lock", "--prefix", VENV / "web")
        run(program("npm"), "install", *options, f"typescript@{TYPESCRIPT}")
    run(program("node"), TSC, "--project", ".")


def format_code() -> None:
    """let ruff format the code"""
    ready()
    run(PYTHON, "-m", "ruff", "check", "--fix", ".")
    run(PYTHON, "-m", "ruff", "format", ".")


def words() -> None:
    """write locales/*/*.json from locales/*/words.json and what the nodes say"""
    ready()
    run(PYTHON, "-c", "import conftest; from project.node_words import write; write()", PYTHONPATH="tests")


def bench() -> None:
    """measure speed and memory; writes benchmarks/results.json and a plot"""
    ready()
    run(PYTHON, "-m", "benchmarks")


def soak() -> None:
    """the fault, crash, studio, schema and decoder tests, for longer"""
    ready()
    parts = (f"tests/{part}" for part in SOAKED)
    run(*PYTEST, "not comfyui", "--timeout", "7200", *parts, REMOTE_VIDEO_SOAK="1", **MANY_PROCESSES)


def comfy() -> None:
    """COMFYUI_PATH=... link the pack in and start ComfyUI in the sandbox
    | COMFYUI_PATH is not needed where this folder lies in ComfyUI's custom_nodes;
    | COMFYUI_PYTHON=... names its Python, where that is not in its .venv or venv; COMFY_ARGS=... are its options
    """
    folder = comfyui()
    nodes = folder / "custom_nodes"
    if ROOT.parent != nodes.resolve():
        link(nodes / "remote-video", ROOT)
    options = os.environ.get("COMFY_ARGS", "").split()
    run(comfyui_python(folder), "main.py", *options, cwd=folder, REMOTE_VIDEO_SANDBOX="1")


def pictures() -> None:
    """COMFYUI_PATH=... [PICTURES=^run] make the pictures of templates, README and docs anew"""
    folder = comfyui()
    python = comfyui_python(folder)
    ready()
    named = os.environ.get("PICTURES", "").split()
    run(PYTHON, "-m", "tests.comfyui.pictures", *named, COMFYUI_PATH=str(folder), COMFYUI_PYTHON=str(python))


def test_comfyui() -> None:
    """COMFYUI_PATH=... [COMFYUI_PYTHON=...] the tests against a real ComfyUI server"""
    folder = comfyui()
    python = comfyui_python(folder)
    ready()
    run(*PYTEST, "comfyui", "tests", COMFYUI_PATH=str(folder), COMFYUI_PYTHON=str(python))


TASKS = {
    "demo": demo,
    "test": test,
    "coverage": coverage,
    "lint": lint,
    "format": format_code,
    "words": words,
    "bench": bench,
    "soak": soak,
    "comfy": comfy,
    "pictures": pictures,
    "test-comfyui": test_comfyui,
    "clean-demo": clean_demo,
    "help": show_help,
}


def run(*command: str | Path, cwd: str | Path = ROOT, **environment: str) -> None:
    """Run a program and wait. Raises CalledProcessError."""
    sys.stdout.flush()
    subprocess.run([str(part) for part in command], cwd=str(cwd), env={**os.environ, **environment}, check=True)


def answer(*command: str | Path) -> str:
    """What a program prints; nothing where it can't be run, or fails."""
    try:
        told = subprocess.check_output([str(part) for part in command], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.decode("utf-8", "replace")


def program(name: str) -> Path:
    """One of the programs of the environment."""
    return BIN / (f"{name}.exe" if WINDOWS else name)


def ready() -> None:
    """The environment: made once, again when its Python can't be used, and filled when the list of packages changes.

    Raises:
        Stop: this Python is too old to make one.
    """
    if sys.version_info[:2] < OLDEST:
        this = ".".join(map(str, sys.version_info[:3]))
        raise Stop(
            f"{sys.executable} is Python {this}; this needs {version(OLDEST)} or newer. Name one that is: "
            "make PYTHON=/path/to/python3.12 ..., or /path/to/python3.12 tasks.py ..."
        )
    unfit = unfitness()
    if unfit:
        if os.path.lexists(str(VENV)):
            print(f".venv is made anew with Python {version(sys.version_info[:2])}: {unfit}.")
        if VENV.is_symlink():
            VENV.unlink()
        run(sys.executable, "-m", "venv", "--clear", VENV)
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if READY.exists() and READY.read_text(encoding="utf-8") == wanted:
        return
    install_torch(wanted)
    run(*PIP, "install", "--quiet", "--requirement", REQUIREMENTS)
    READY.write_text(wanted, encoding="utf-8")


def unfitness() -> str:
    """Why the environment's Python can't be used; nothing when it can."""
    told = answer(PYTHON, "-c", "import sys; print(*sys.version_info[:2])").split()
    if len(told) != 2:
        return "its Python can't be run"
    found = (int(told[0]), int(told[1]))
    return f"its Python is {version(found)}, and {version(OLDEST)} is the oldest" if found < OLDEST else ""


def install_torch(requirements: str) -> None:
    """On Linux, torch as the build for CPUs: the plain one brings CUDA, 5 GB. Elsewhere the plain one is that.

    PyTorch's own index is asked only where the usual one has no such build; where it is away, pip goes on without it.
    """
    torch = next((line for line in requirements.splitlines() if line.startswith("torch==")), "")
    number = torch.partition("==")[2]
    if not torch or sys.platform != "linux" or answer(PYTHON, "-c", TORCH_IS_HERE).strip().startswith(number):
        return
    more = () if f"{number}+cpu" in answer(*PIP, "index", "versions", "torch") else ("--extra-index-url", CPU_INDEX)
    run(*PIP, "install", "--quiet", "--retries", "1", "--timeout", "20", "--no-deps", *more, torch)


def version(numbers: tuple[int, ...]) -> str:
    """As people write it: "3.10"."""
    return ".".join(map(str, numbers))


def link(at: Path, target: Path) -> None:
    """Make `at` a link to a folder, unless it leads there already. Raises Stop when something else is in its place."""
    if at.exists() and at.resolve() == target:
        return
    if at.is_symlink():
        at.unlink()
    elif os.path.lexists(str(at)):
        raise Stop(f"{at} is there already and is not a link: left alone.", 2)
    at.parent.mkdir(parents=True, exist_ok=True)
    if WINDOWS:  # where a link needs a privilege, and a junction none
        run(os.environ.get("COMSPEC", "cmd.exe"), "/c", "mklink", "/J", at, target)
    else:
        at.symlink_to(target, target_is_directory=True)


def comfyui() -> Path:
    """The ComfyUI that COMFYUI_PATH names, else the one whose custom_nodes this folder lies in. Raises Stop."""
    named = os.environ.get("COMFYUI_PATH")
    around = ROOT.parent.parent if ROOT.parent.name == "custom_nodes" else None
    folder = Path(CALLED_IN, named).resolve() if named else around
    if folder is not None and (folder / "main.py").is_file():
        return folder
    where = f"{folder} is no ComfyUI: it has no main.py. " if folder is not None else ""
    raise Stop(f"{where}Say where ComfyUI is: make {sys.argv[-1]} COMFYUI_PATH=/path/to/ComfyUI", 2)


def comfyui_python(folder: Path) -> Path:
    """The Python that runs this ComfyUI: COMFYUI_PYTHON, that of its environment or of Windows' portable ComfyUI."""
    named = os.environ.get("COMFYUI_PYTHON")
    if named:
        return Path(CALLED_IN, named) if os.sep in named else Path(named)
    inside = "Scripts/python.exe" if WINDOWS else "bin/python"
    places = (folder / ".venv" / inside, folder / "venv" / inside, folder.parent / "python_embeded" / "python.exe")
    return next((place for place in places if place.is_file()), Path(sys.executable))


def main(tasks: list[str]) -> int:
    """Do the tasks in turn; the first exit code that is not 0."""
    try:
        for name in tasks or ["help"]:
            if name not in TASKS:
                raise Stop(f"There is no task {name!r}: `python tasks.py` lists them.", 2)
            TASKS[name]()
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
