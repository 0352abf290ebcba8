FROM alpine AS a
FROM alpine
COPY --from=2 /x /y
