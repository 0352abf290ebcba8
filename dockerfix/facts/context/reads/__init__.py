"""What the commands of a build read of a context that a COPY takes as a whole.

A stage that only builds reads the projects that its commands name, and nothing of it is in the
image but what other stages take. Where one command, or what is taken, cannot be known, all of
it is read. `find` answers; each tool whose files are known has a module. Edits nothing.
"""
