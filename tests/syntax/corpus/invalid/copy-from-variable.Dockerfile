ARG S=build
FROM alpine AS build
FROM alpine
ARG S
COPY --from=${S} /a /b
COPY --from=$S /a /b
