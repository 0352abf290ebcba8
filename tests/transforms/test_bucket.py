"""The address of a bucket, and the names of caches in it."""

from __future__ import annotations

import pytest

from dockerfix.api import read_cache
from dockerfix_transforms.gitlab.caches.bucket import BucketError, cache_name, read_bucket


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("$CI_REGISTRY_IMAGE/server:buildcache", "server"),
        ("${CI_REGISTRY_IMAGE}/group/server:buildcache", "group_server"),
        ("$CI_REGISTRY_IMAGE/server:buildcache_release-$CI_COMMIT_REF_SLUG", "server_release"),
        ("$CI_REGISTRY_IMAGE/server:buildcache-${CI_COMMIT_REF_SLUG}", "server"),
        ("$CI_REGISTRY_IMAGE/server:buildcache-$SERVER_CACHE", "server"),
        ("$CI_REGISTRY_IMAGE/cache:server", "cache_server"),
        ("$CI_REGISTRY_IMAGE:cache", "cache"),
        ("$CI_REGISTRY_IMAGE:buildcache", "image"),
        ("registry.example.org/group/app:buildcache", "group_app"),
        ("${CI_REGISTRY_IMAGE}/${name}:buildcache", "${name}"),
    ],
)
def test_the_name_of_a_cache(ref: str, name: str) -> None:
    assert cache_name(ref) == name


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://caches?region=eu-west-1",
         "type=s3,bucket=caches,region=eu-west-1,prefix=$CI_PROJECT_PATH_SLUG/,name=a/$B"),
        ("s3://caches?region=us-east-1&endpoint=https://s3.example.org&prefix=ci/cache/",
         "type=s3,bucket=caches,region=us-east-1,endpoint_url=https://s3.example.org,"
         "use_path_style=true,prefix=ci/cache/$CI_PROJECT_PATH_SLUG/,name=a/$B"),
        ("gs://caches/ci",
         "type=s3,bucket=caches,region=auto,endpoint_url=https://storage.googleapis.com,"
         "use_path_style=true,disable_accept_encoding=true,"
         "prefix=ci/$CI_PROJECT_PATH_SLUG/,name=a/$B"),
    ],
)  # fmt: skip
def test_the_cache_of_a_branch(address: str, expected: str) -> None:
    spec = read_cache("type=registry,ref=$CI_REGISTRY_IMAGE/a:buildcache")
    assert str(read_bucket(address).at(spec, "", "$B")) == expected


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("caches", "s3://BUCKET"),
        ("gha://caches", "s3://BUCKET"),
        ("s3://", "s3://BUCKET"),
        ("s3://caches", "region is missing"),
        ("s3://caches?region=a&zone=b", "knows"),
        ("s3://caches?region=a,b", "without commas"),
    ],
)
def test_addresses_that_name_no_bucket(address: str, message: str) -> None:
    with pytest.raises(BucketError, match=message):
        read_bucket(address)
