FROM tonistiigi/xx:1.6.1 AS xx
FROM alpine AS alpine
COPY --from=xx / /
FROM alpine AS final
