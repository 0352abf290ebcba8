FROM scratch
MAINTAINER A Person <a.person@example.com>
WORKDIR /a b/c
WORKDIR "/quoted path"
USER ${USER:-app}:app
STOPSIGNAL SIGTERM
EXPOSE 80 443/tcp 8000-8010/udp
VOLUME /data /logs
SHELL ["/bin/bash", "-c"]
RUN
CMD
ENTRYPOINT
