FROM alpine
WORKDIR /app # comment
USER app#1
