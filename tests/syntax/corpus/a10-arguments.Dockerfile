ARG VERSION=3.23 FLAVOUR="alpine" EMPTY= BARE
ARG REGISTRY
FROM ${REGISTRY:-docker.io}/library/${FLAVOUR}:${VERSION} AS base
ARG VERSION
ARG A="x y" B='z $VERSION' C=${VERSION:-none}
RUN echo ${VERSION:-in the shell} $A
CMD echo ${VERSION}
FROM --platform=$BUILDPLATFORM base AS next
ARG VERSION=other
