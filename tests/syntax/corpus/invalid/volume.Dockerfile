FROM alpine
VOLUME ["/a", " "]
VOLUME []
