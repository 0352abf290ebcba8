FROM alpine
RUN echo ends in two \\
RUN echo ends in three \\\
ENV PATH=C:\\
RUN \
  echo continued
