# The ignore file of this name beside it wins over .dockerignore, even when it is empty.
FROM alpine
COPY . .
