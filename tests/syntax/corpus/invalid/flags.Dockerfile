FROM --platform alpine
COPY --chown --link=yes --form=a a b
RUN --mount --network=lan --security=none true
ADD --from=a --link --link a b
ENV --x=y A=1
USER --uid=1 app
FROM --platform=a --platform=b alpine
COPY --exclude=a --exclude=b a b
RUN --mount=from=$X,target=/ true
