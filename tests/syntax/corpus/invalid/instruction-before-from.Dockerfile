ARG A
RUN echo
FROM alpine
