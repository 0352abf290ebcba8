FROM alpine
RUN echo it's <<EOF
RUN echo "a ${b^^}" <<EOF
RUN echo ${c%%.*} <<EOF
in a heredoc
EOF
