# syntax=docker/dockerfile:1
FROM debian:13-slim
RUN <<EOF
set -e
apt-get update
apt-get install -y --no-install-recommends curl
# a comment of the shell, not of the Dockerfile
FROM=unused
EOF
RUN <<EOF bash
echo "the body goes to bash on its standard input"
EOF
USER nobody
