FROM alpine
HEALTHCHECK NONE now
HEALTHCHECK curl localhost
HEALTHCHECK --interval=30 CMD true
HEALTHCHECK --timeout=10us CMD true
HEALTHCHECK --retries=-1 CMD true
