FROM alpine
RUN a && \
  b
RUN c && \
  d
CMD e
