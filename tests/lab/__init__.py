"""A real build engine for the tests, on a machine that may have none.

`python3 tests/lab up` gives a Debian machine (as root, with Go, Rust and Node) a Docker daemon
with buildx and Compose, a current BuildKit, and base images under the names that Dockerfiles use;
`down` takes all of it away. Everything is the real program but the base images, which are
stand-ins (`images.py`). An engine that answers already is used instead, and nothing is changed
there.

    lab.py       the whole: up, down, what tests use (`open_lab`, `Lab`)
    plugin.py    pytest's fixtures `lab`, `registry`, `cold_builder`
    parts.py     what is fetched and built, each once, kept in `.lab/` at the top of the work tree
    images.py    the stand-ins; publish.py sends them to the lab's registry
    programs.py  what Go and cargo compile; debian.py: what comes from Debian packages
    engine.py    dockerd; builder.py: BuildKit; daemons.py: how both are started and ended
    machine.py   what the machine has; commands.py: running other programs
    pins.py      versions.toml, where the versions stand (those of Go programs: tools/go.mod)
"""
