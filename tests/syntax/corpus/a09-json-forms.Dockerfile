FROM alpine
SHELL ["/bin/sh", "-eo", "pipefail", "-c"]
RUN [ "echo" , "a \"quoted\" word", "\u00e9\t" ]
RUN ["split", \
     # with a comment
     "over", \
     "lines"]
CMD []
ENTRYPOINT ["/bin/sh", "-c", "echo $HOME"]
COPY ["a b.txt", "c.txt", "/with blanks/"]
ADD --chown=1:1 ["a b.txt", "/"]
VOLUME ["/data", "/more data"]
HEALTHCHECK --interval=5m CMD ["curl", "-f", "http://localhost/"]
