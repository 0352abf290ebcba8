FROM alpine
RUN echo one \
# gone

