FROM alpine
ONBUILD RUN <<EOF
echo runs in the child
EOF
ONBUILD COPY <<EOF /etc/motd
hello
EOF
ONBUILD RUN ["echo", "<<EOF"]
onbuild add <<x.txt /
x
x.txt
