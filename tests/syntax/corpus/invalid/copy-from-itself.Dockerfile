FROM alpine AS a
COPY --from=A /x /y
FROM alpine
COPY --from=1 /x /y
RUN --mount=from=b,target=/b true
FROM alpine AS b
RUN --mount=from=b,target=/b true
