"""A bucket that keeps caches: its address, and the names of caches in it.

Follows "Amazon S3 cache" of Docker's documentation; Google Cloud Storage is reached through its
S3 interface. Knows names and parameters; knows no pipeline.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from dockerfix.api import CacheSpec, is_per_ref

_GCS = "https://storage.googleapis.com"
_KNOWN = frozenset({"region", "endpoint", "prefix"})
_REGISTRY = ("$CI_REGISTRY_IMAGE", "${CI_REGISTRY_IMAGE}")


class BucketError(Exception):
    """An address that names no bucket; says what is wrong."""


class Bucket(Struct, frozen=True):
    """Where the caches of all branches are: `NAME/BRANCH` below a prefix of the project.

    A `Store`: it asks nothing, since no client of the bucket is at hand in a job.
    """

    name: str
    region: str
    endpoint: str = ""
    prefix: str = ""
    google: bool = False
    ask: bool = False
    per_branch: bool = False
    others: bool = False
    renames: bool = True

    @property
    def steps(self) -> tuple[str, ...]:
        """What is left to do by hand."""
        return (
            "add CACHE_ACCESS_KEY_ID and CACHE_SECRET_ACCESS_KEY to the project's CI/CD variables,"
            " masked; protected ones do not reach unprotected branches",
            "set AWS_EC2_METADATA_DISABLED=true there too, so that no other keys are looked for",
            "give the jobs that build a `timeout:`, since a server that never answers hangs them",
            "let no expiry rule of the bucket remove a layer before the manifests that name it",
        )

    def at(self, spec: CacheSpec, part: str, branch: str) -> CacheSpec:
        """The cache in the bucket that stands for a ref of a registry."""
        dollar = "${CI_PROJECT_PATH_SLUG}" if branch.startswith("${") else "$CI_PROJECT_PATH_SLUG"
        prefix = f"{self.prefix.strip('/')}/{dollar}/".lstrip("/")
        fields = [("type", "s3"), ("bucket", self.name), ("region", self.region)]
        if self.endpoint:
            fields += [("endpoint_url", self.endpoint), ("use_path_style", "true")]
        if self.google:
            fields.append(("disable_accept_encoding", "true"))
        fields += [("prefix", prefix), ("name", f"{cache_name(spec.ref)}{part}/{branch}")]
        mode = spec.get("mode")
        return CacheSpec((*fields, ("mode", mode)) if mode else tuple(fields))

    def question(self, spec: CacheSpec, part: str, name: str) -> str:
        """None is asked."""
        raise NotImplementedError


def read_bucket(address: str) -> Bucket:
    """`s3://BUCKET?region=...&endpoint=...&prefix=...`, or `gs://BUCKET?prefix=...`.

    Raises `BucketError`.
    """
    parts = urlsplit(address)
    given = dict(parse_qsl(parts.query))
    if parts.scheme not in ("s3", "gs") or not parts.netloc:
        raise BucketError("--to is s3://BUCKET?region=REGION or gs://BUCKET")
    strange = sorted(given.keys() - _KNOWN)
    if strange or any("," in text for text in given.values()):
        raise BucketError(f"--to knows {', '.join(sorted(_KNOWN))}, without commas")
    google = parts.scheme == "gs"
    region = given.get("region") or ("auto" if google else "")
    if not region:
        raise BucketError("the region is missing: BuildKit does not take it from the job")
    prefix = given.get("prefix") or parts.path
    endpoint = given.get("endpoint") or (_GCS if google else "")
    return Bucket(parts.netloc, region, endpoint, prefix, google)


def cache_name(ref: str) -> str:
    """What tells a cache from the project's others: the image's name, and a tag that says more
    than `buildcache`. The branch at the end of the tag is left out."""
    image, tag = _parted(shared(ref))
    for head in _REGISTRY:
        if image == head or image.startswith(f"{head}/"):
            image = image[len(head) :].lstrip("/")
            break
    else:
        first, _, rest = image.partition("/")
        image = rest if rest and ("." in first or ":" in first or "$" in first) else image
    more = tag.removeprefix("buildcache")
    joint = "_" if image and more and not more.startswith("_") else ""
    return f"{image.replace('/', '_')}{joint}{more}" or "image"


def shared(ref: str) -> str:
    """A ref without the branch that ends its tag, or that is all of it."""
    base, _, last = max((ref.rpartition(mark) for mark in "-:"), key=lambda parts: len(parts[0]))
    name = last.removeprefix("$").strip("{}")
    is_branch = is_per_ref((name,)) or name in ("CI_DEFAULT_BRANCH", "CACHE_BRANCH")
    question = name.endswith("_CACHE") or name.startswith("CACHE_")
    return base if base and last.startswith("$") and (is_branch or question) else ref


def _parted(ref: str) -> tuple[str, str]:
    """Image and tag."""
    last = ref.rpartition("/")[2]
    name, _, tag = last.partition(":")
    return ref[: len(ref) - len(last)] + name, tag
