FROM alpine
FROM alpine AS named
COPY --from=0 /etc/os-release /zero
FROM alpine
COPY --from=named /zero /a
COPY --from="0" /etc/os-release /quoted
COPY --from=nginx:1.29 /etc/nginx/nginx.conf /
COPY --from=shared-context . /src
RUN --mount=type=bind,from=named,source=/,target=/mnt --mount=from=golang:1.25,target=/go true
