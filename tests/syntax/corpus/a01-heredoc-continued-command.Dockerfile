FROM alpine
RUN --mount=type=cache,target=/var/cache/apk \
    # a comment before the heredoc
    cat <<EOF > /motd && \
    chmod 600 /motd
welcome
# in the body
\
EOF
RUN true
