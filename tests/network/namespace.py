"""Runs inside a network namespace of its own: the sandbox as two far hosts behind TLS, under addresses of any kind.

Arguments: folder, certificate file, JSON {"api": address, "media": address, "scheme": of the clip's address}. A line of
JSON on stdin, the environment of a command to run; then one on stdout, how that ended: {"code", "said", "posts" that
were accepted, "keys_at_media" that the clip's host was shown}.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PACK = Path(__file__).resolve().parents[2]
API, MEDIA = "api.example.com", "media.example.com"


def pipe(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def forward(listener: socket.socket, port: int, tls: ssl.SSLContext | None) -> None:
    """Hand every connection on to a port of this machine, out of TLS."""

    def serve(connection: socket.socket) -> None:
        try:
            outer = tls.wrap_socket(connection, server_side=True) if tls else connection
        except OSError:
            return
        inner = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=pipe, args=(inner, outer), daemon=True).start()
        pipe(outer, inner)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def load(name: str, file: Path, package_folder: Path | None = None) -> Any:
    folders = None if package_folder is None else [str(package_folder)]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    folder, certificate, net = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{net['api']} {API}\n{net['media']} {MEDIA}\n", encoding="utf-8")
    commands = [["ip", "link", "set", "lo", "up"], ["mount", "--bind", str(hosts), "/etc/hosts"]]
    commands += [["ip", "address", "add", address, "dev", "lo"] for address in {net["api"], net["media"]}]
    for command in commands:
        subprocess.run(command, check=True)

    load("remote_video_pack", PACK / "__init__.py", PACK)
    sys.path.append(str(PACK))
    warm = load("warm", PACK / "tests" / "warm.py").WarmStart()
    from remote_video_pack.remote_video.sandbox import Pace

    from tests.faults import Fault, Sandbox

    def elsewhere(answer, call):
        text = answer.body.replace(call.request.origin.encode(), f"{net['scheme']}://{MEDIA}".encode())
        return answer.with_body(text)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Sandbox(folder / "sandbox", pace=Pace(0, 0), short_clips=True) as sandbox:
        sandbox.faults.set("runcomfy/result", Fault("elsewhere", "", ("runcomfy/result",), alter=elsewhere))
        ports = [(API, 443), (MEDIA, 443 if net["scheme"] == "https" else 80)]
        for host, port in ports:
            kind = socket.AF_INET6 if ":" in net["api" if host == API else "media"] else socket.AF_INET
            listener = socket.create_server((host, port), family=kind)
            tls = context if port == 443 else None
            threading.Thread(target=forward, args=(listener, sandbox.port, tls), daemon=True).start()
        for line in sys.stdin:
            environment = {**os.environ, "RUNCOMFY_API_BASE_URL": f"https://{API}/runcomfy", **json.loads(line)}
            make = ["make", "Veo3I2V", "--image", str(folder / "image.png")]
            make += ["--prompt", "a wave", "--home", str(folder / "home"), "-o", str(folder / "clip.mp4")]
            process = warm.start(make, PACK, environment)
            _, said = process.communicate(timeout=90)
            told = {"code": process.returncode, "said": said, "posts": sandbox.accepted_posts}
            keys = {r.headers.get("authorization", "") for r in sandbox.requests if r.route == "media"}
            print(json.dumps({**told, "keys_at_media": sorted(keys - {""})}), flush=True)


main()
