FROM alpine
RUN ['echo', 'single quotes']
RUN ["trailing", "comma",]
RUN ["unclosed", "list"
RUN ["list"] and more
CMD ["a" "b"]
ENTRYPOINT [NaN]
RUN [ -f /etc/passwd ] && echo test
COPY ["a", b] /x
VOLUME ['/data']
EXPOSE 80 81/udp
HEALTHCHECK CMD ['a']
