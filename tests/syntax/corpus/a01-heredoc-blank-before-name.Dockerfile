FROM alpine
RUN cat << EOF > /a
a blank between the sign and the name
EOF
RUN cat << 'E F' > /b
so too here
E F
RUN cat <<- EOF
