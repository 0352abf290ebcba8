# syntax=docker/dockerfile:1

# comment
FROM alpine AS base
RUN echo one && \
    # inside

    echo two
COPY <<EOF /a
text
EOF
ENV A=1 \
    B=2
CMD ["a", \
     "b"]
