"""What the repo layer refuses with. Knows the shape of a message and nothing else."""

from __future__ import annotations


class RepoError(Exception):
    """The disk does not allow what was asked: where, what is wrong, and what to do.

    `path` is what the message opens with: a path relative to the root (or absolute, for the
    root itself), with `:line:column` when a line is at fault.
    """

    def __init__(self, path: str, what: str, action: str = "") -> None:
        super().__init__(f"{path}: {what}" + (f"; {action}" if action else ""))
        self.path = path
        self.what = what
        self.action = action


class RootError(RepoError):
    """There is no root, or a path is not below it."""


class SettingsError(RepoError):
    """A settings file cannot be read or says something that dockerfix does not know."""


class GlobError(RepoError):
    """A pattern of `exclude` that dockerfix does not understand; `path` is the pattern."""


class WriteError(RepoError):
    """Nothing was written: every file is as it was."""


class UnsafePathError(WriteError):
    """A path would leave the root, goes through a symbolic link, or is not a file."""


class ChangedError(WriteError):
    """A file is not what it was when the snapshot was read."""


class UncommittedError(WriteError):
    """Files with uncommitted changes would be overwritten; `paths` names them all."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        super().__init__(
            paths[0] + more,
            "has changes that are not committed",
            "commit or stash them, or write all the same with --force",
        )
        self.paths = paths


class UnversionedError(WriteError):
    """Files that no Git work tree holds would be overwritten or deleted; `paths` names them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        super().__init__(
            paths[0] + more,
            "lies in no Git work tree, so nothing could bring its old content back",
            "put the folder under Git, or write all the same with --force",
        )
        self.paths = paths


class GitUnavailableError(WriteError):
    """The root is in a Git work tree, but git cannot say what is committed."""


class ReadOnlyError(WriteError):
    """The folder, the file or the file system does not let this user write."""


class DiskFullError(WriteError):
    """There is no room, or no quota, for the new files."""


class LockedError(WriteError):
    """Another dockerfix is writing below the same root."""


class RecoveryError(WriteError):
    """An interrupted write cannot be settled without losing somebody's work."""
