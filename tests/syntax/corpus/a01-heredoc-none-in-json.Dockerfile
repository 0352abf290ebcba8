FROM alpine
RUN ["sh", "-c", "cat <<EOF"]
COPY ["<<EOF", "/dest/"]
RUN ["not", json <<EOF]
this is shell form, and so it is a heredoc
EOF]
CMD cat <<EOF
ENTRYPOINT echo <<EOF
