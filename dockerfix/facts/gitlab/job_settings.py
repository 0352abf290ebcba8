"""The keys of a job that say how and where it runs, each with its type.

Knows what each key means; what the job runs, and when it exists, stands in `job`.
"""

from __future__ import annotations

from msgspec import Struct

from dockerfix.facts.gitlab import settings
from dockerfix.facts.gitlab.values import Effective, flag, text, texts
from dockerfix.syntax.yaml.tree import Scalar


class JobSettings(Struct, frozen=True):
    """The settings among the effective keys of a job or a hidden template."""

    keys: Effective

    @property
    def image(self) -> settings.Image | None:
        """The image that the job runs in; None for the runner's own."""
        return settings.image_of(self.keys.get("image"))

    @property
    def services(self) -> tuple[settings.Image, ...]:
        """The containers that run beside the job."""
        return tuple(settings.services_of(self.keys.get("services")))

    @property
    def artifacts(self) -> settings.Artifacts | None:
        """The files that the job leaves; None without the key."""
        return settings.artifacts_of(self.keys.get("artifacts"))

    @property
    def caches(self) -> tuple[settings.Cache, ...]:
        """The caches that the job reads and writes."""
        return tuple(settings.caches_of(self.keys.get("cache")))

    @property
    def environment(self) -> settings.Environment | None:
        """The environment that the job acts on."""
        return settings.environment_of(self.keys.get("environment"))

    @property
    def retry(self) -> settings.Retry:
        """How often the job is tried again."""
        return settings.retry_of(self.keys.get("retry"))

    @property
    def trigger(self) -> settings.Trigger | None:
        """The pipeline that the job starts instead of running a script."""
        return settings.trigger_of(self.keys.get("trigger"))

    @property
    def inherit(self) -> settings.Inherit:
        """What the job takes from `default:` and the global variables."""
        return settings.inherit_of(self.keys.get("inherit"))

    @property
    def tags(self) -> tuple[str, ...]:
        """The runner tags."""
        return texts(self.keys.get("tags"))

    @property
    def timeout(self) -> str:
        """As written, such as `1h 30m`; empty when it is the project's."""
        return text(self.keys.get("timeout"))

    @property
    def interruptible(self) -> bool:
        """Whether a newer pipeline may cancel the job."""
        return flag(self.keys.get("interruptible")) is True

    @property
    def resource_group(self) -> str:
        """The lock that the job holds while it runs; empty for none."""
        return text(self.keys.get("resource_group"))

    @property
    def rows(self) -> tuple[dict[str, Scalar], ...]:
        """The variables of each run of `parallel: matrix:`; empty without a matrix."""
        return tuple(settings.matrix_rows(self.keys.get("parallel")))

    @property
    def parallel(self) -> int:
        """How often the job runs by `parallel: N`; 1 without it, and with a matrix."""
        written = text(self.keys.get("parallel"))
        return int(written) if written.isdecimal() else 1
