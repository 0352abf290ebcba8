# One build for all images of the control plane. Always named: `-f controlplane/docker-bake.hcl`.
variable "CI_REGISTRY_IMAGE" {}
variable "CI_COMMIT_REF_SLUG" {}

group "default" {
  targets = ["server", "authz-worker", "synchronizer"]
}

target "_all" {
  context    = "controlplane"
  dockerfile = "Dockerfile.all"
  cache-from = [
    "type=registry,ref=${CI_REGISTRY_IMAGE}/server:buildcache",
    "type=registry,ref=${CI_REGISTRY_IMAGE}/authz-worker:buildcache",
    "type=registry,ref=${CI_REGISTRY_IMAGE}/synchronizer:buildcache",
  ]
}

target "server" {
  inherits = ["_all"]
  target   = "server-development"
  tags     = ["${CI_REGISTRY_IMAGE}/server:${CI_COMMIT_REF_SLUG}-development"]
  cache-to = ["type=registry,ref=${CI_REGISTRY_IMAGE}/server:buildcache,mode=max"]
}

target "authz-worker" {
  inherits = ["_all"]
  target   = "authz-worker-development"
  tags     = ["${CI_REGISTRY_IMAGE}/authz-worker:${CI_COMMIT_REF_SLUG}-development"]
  cache-to = ["type=registry,ref=${CI_REGISTRY_IMAGE}/authz-worker:buildcache,mode=max"]
}

target "synchronizer" {
  inherits = ["_all"]
  target   = "synchronizer-development"
  tags     = ["${CI_REGISTRY_IMAGE}/synchronizer:${CI_COMMIT_REF_SLUG}-development"]
  cache-to = ["type=registry,ref=${CI_REGISTRY_IMAGE}/synchronizer:buildcache,mode=max"]
}
