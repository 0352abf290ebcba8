FROM alpine
COPY <<EOF /dos.txt
first
second

EOF
RUN <<EOF
echo one
echo two
EOF
CMD ["cat", "/dos.txt"]
