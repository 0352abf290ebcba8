FROM --platform=linux/amd64 alpine AS a
RUN --mount=type=cache,id=apk,target=/var/cache/apk,sharing=locked \
    --mount=type=secret,id=token,required=true --mount=type=ssh --network=none \
    --security=insecure \
    apk add curl
RUN --mount="type=bind,source=a b,target=/x" --mount='type=tmpfs,"target=/a,b"' true
COPY --chown=1000:1000 --chmod=0755 --link --exclude=*.md --exclude=docs src/ /src/
COPY --link=false --parents ./a/./b /c/
ADD --keep-git-dir=true --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a.git /a
ADD --unpack=true a.tar.gz /
COPY -- --odd-name /
COPY --chown="a b" \
     --from=alpine:3.23 / /
HEALTHCHECK --interval=30s --timeout=1m30s --start-period=0 --start-interval=1.5s --retries=3 CMD curl -f http://localhost/ || exit 1
HEALTHCHECK NONE
RUN echo --not-a-flag
ARG --dropped-without-a-look NAME=x
STOPSIGNAL --so-too SIGTERM
RUN --device=vendor.com/device=foo true
