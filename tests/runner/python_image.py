"""A stand-in for the official Python image, made of the Python that runs the tests.

It is the lab's Alpine stand-in, which is of this machine's release, with the interpreter, its
library and pip on it, and with the way in which this machine reaches its package index. It stands
in for the programs, not for the size.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_SETTINGS = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE")
_LEFT_OUT = shutil.ignore_patterns("site-packages", "dist-packages", "test", "__pycache__", "*.a")
_OF_THE_BASE = re.compile(r"/(ld-linux[^/]*|lib(c|m|dl|rt|util|pthread))\.so[^/]*$")


def write_python_image(folder: Path, base: str) -> None:
    """A build context and its Dockerfile."""
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    program = Path(sys.base_prefix) / "bin" / f"python{sysconfig.get_python_version()}"
    tree = folder / "tree"
    lib = tree / "usr/local/lib" / stdlib.name
    shutil.copytree(stdlib, lib, ignore=_LEFT_OUT)
    import pip

    shutil.copytree(Path(pip.__file__).parent, lib / "site-packages" / "pip")
    (tree / "usr/local/bin").mkdir(parents=True)
    shutil.copy(program.resolve(), tree / "usr/local/bin/python3")
    (tree / "usr/local/bin/python").symlink_to("python3")
    pip_program = tree / "usr/local/bin/pip"
    pip_program.write_text('#!/bin/sh\nexec python3 -m pip "$@"\n')
    pip_program.chmod(0o755)
    for library in _libraries(program, *lib.glob("lib-dynload/*.so")):
        shutil.copy(library, tree / "usr/local/lib" / library.name)
    certificates = tree / "etc/ssl/certs/ca-certificates.crt"
    certificates.parent.mkdir(parents=True)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", certificates)
    lines = [
        f"ENV {name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith(_SETTINGS) and not value.startswith("/opt")
    ]
    text = [f"FROM {base}", "COPY tree /", "ENV LD_LIBRARY_PATH=/usr/local/lib", *lines]
    (folder / "Dockerfile").write_text("\n".join(text) + "\n")


def _libraries(*files: Path) -> set[Path]:
    """What programs load, but for the C library itself, which the base has."""
    said = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=True)
    found = re.findall(r"=> (/\S+)", said.stdout)
    return {Path(path) for path in found if not _OF_THE_BASE.search(path)}
