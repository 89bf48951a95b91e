"""A certificate of one's own, and hosts that speak TLS with it."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

Speak = Callable[[socket.socket, threading.Event], None]


def certificate_of(host: str, folder: Path, *more_hosts: str) -> Path:
    """A certificate of a host, and more names, signed by itself, with its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    is_number = host[:1].isdigit()
    named = x509.IPAddress(ipaddress.ip_address(host)) if is_number else x509.DNSName(host)
    names = [named, *map(x509.DNSName, more_hosts)]
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(pem) + secret)
    return file


def over_tls(speak: Speak, certificate: Path) -> Speak:
    """The same host behind TLS; it hears the beginning of the request first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def wrapped(connection: socket.socket, closing: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(10_000)
            speak(secured, closing)

    return wrapped
