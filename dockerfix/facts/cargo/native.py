"""What system packages mean to a cargo build: which locked crates could notice one.

A -sys crate links the library of its name, `cc` and `cmake` run what they find, `pkg-config`
finds more once it is there. Cargo.lock names every crate that could be compiled; a package
that none of them asks for changes nothing. Knows names of packages and crates; reads no file.
"""

from __future__ import annotations

_TOOLS: dict[str, tuple[str, ...]] = {
    "autoconf": ("autotools", "jemalloc-sys", "tikv-jemalloc-sys"),
    "automake": ("autotools",),
    "bison": ("bison",),
    "build-base": ("cc", "cmake"),
    "build-essential": ("cc", "cmake"),
    "clang": ("bindgen", "clang-sys", "cc", "cmake"),
    "cmake": ("cmake",),
    "flex": ("flex",),
    "g++": ("cc", "cmake"),
    "gcc": ("cc", "cmake"),
    "git": ("vergen", "vergen-git2", "vergen-gitcl", "built", "git-version", "shadow-rs", "gix"),
    "go": ("go",),
    "libtool": ("autotools",),
    "lld": ("cc",),
    "llvm": ("clang-sys", "llvm-sys", "bindgen"),
    "make": ("cmake", "autotools", "openssl-src", "jemalloc-sys", "tikv-jemalloc-sys"),
    "mold": ("cc",),
    "nasm": ("nasm-rs", "rav1e", "aws-lc-sys", "mozjpeg-sys", "turbojpeg-sys"),
    "ninja": ("cmake",),
    "perl": ("openssl-src", "aws-lc-sys"),
    "pkg-config": ("pkg-config", "system-deps"),
    "pkgconf": ("pkg-config", "system-deps"),
    "protobuf": ("prost-build", "protobuf-build", "protoc", "tonic-build"),
    "protobuf-compiler": ("prost-build", "protobuf-build", "protoc", "tonic-build"),
    "protoc": ("prost-build", "protobuf-build", "protoc", "tonic-build"),
    "python3": ("pyo3-build-config", "python3-sys"),
}
_STEMS: dict[str, tuple[str, ...]] = {
    "bz2": ("bzip2",),
    "ssl": ("openssl",),
    "z": ("libz",),
    "zlib1g": ("libz",),
    "zlib": ("libz",),
    "pq": ("pq",),
    "postgresql": ("pq",),
    "sqlite": ("libsqlite3", "sqlite3"),
    "xz": ("lzma", "liblzma"),
    "mariadb": ("mysqlclient",),
    "mysqlclient": ("mysqlclient",),
    "systemd": ("libsystemd", "libudev"),
    "eudev": ("libudev",),
    "linux-headers": ("linux-raw",),
    "rdkafka": ("rdkafka",),
    "sasl2": ("sasl2", "rdkafka"),
    "gmp": ("gmp-mpfr",),
}
_LINKED = frozenset({"musl", "libc6", "glibc", "libc", "gcc", "build-base", "build-essential"})
"""What every link needs: never a matter of single crates."""
_DEVELOPMENT = ("-dev", "-devel", "-static", "-headers")


def crates_that_notice(package: str, locked: frozenset[str]) -> tuple[str, ...]:
    """The locked crates that a system package could matter to, sorted; a package that every
    link needs is noticed by `std`."""
    name = package.lower()
    stem = _stem(name)
    if stem in _LINKED and (name.endswith(_DEVELOPMENT) or stem == name):
        return ("std",)
    wanted = set(_tools(name))
    for start in {stem, *_STEMS.get(stem, ())}:
        wanted |= {f"{start}-sys", f"lib{start}-sys", f"{start.replace('_', '-')}-sys"}
    found = wanted & locked
    found |= {crate for crate in locked if crate.endswith("-sys") and _same(crate, stem)}
    return tuple(sorted(found))


def is_compiler_package(package: str) -> bool:
    """Whether a package is there for compiling: headers, libraries to link, a build tool."""
    name = package.lower()
    return name.endswith(_DEVELOPMENT) or bool(_tools(name)) or _stem(name) in _LINKED


def _tools(name: str) -> tuple[str, ...]:
    bare = _library(name)
    return _TOOLS.get(name) or _TOOLS.get(bare) or _TOOLS.get(_versionless(bare)) or ()


def _library(name: str) -> str:
    """The name without what says that it is for compiling."""
    ending = next((end for end in _DEVELOPMENT if name.endswith(end)), "")
    return name.removesuffix(ending)


def _versionless(name: str) -> str:
    return name.rstrip("0123456789.").removesuffix("-") or name


def _stem(name: str) -> str:
    """`libssl-dev` and `openssl-dev` as `ssl` and `openssl`, `sqlite3-dev` as `sqlite`."""
    stem = _library(_library(name))
    stem = stem.removeprefix("lib") if stem not in _LINKED else stem
    return stem if stem in _LINKED else _versionless(stem)


def _same(crate: str, stem: str) -> bool:
    """Whether a -sys crate carries the library's name, with or without `lib` and a number."""
    bare = crate.removesuffix("-sys").removeprefix("lib").rstrip("0123456789")
    return len(stem) > 2 and bare == stem
