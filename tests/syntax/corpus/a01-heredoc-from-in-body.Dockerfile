FROM golang:1.25 AS build
COPY <<Dockerfile.inner /Dockerfile
FROM scratch AS build
COPY --from=0 / /
# escape=`
RUN echo \
Dockerfile.inner
RUN go version
FROM scratch
COPY --from=build /Dockerfile /
