FROM alpine
CMD ["a", 1]
RUN [null]
COPY [["a"], "b"]
HEALTHCHECK CMD [true]
ONBUILD CMD [1]
