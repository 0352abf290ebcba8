FROM alpine
RUN cat <<"EOF" > /a
$NOT_EXPANDED
EOF
RUN cat <<'E O F' > /b
the name has blanks
E O F
RUN cat <<E"O"F > /c
half of the name is quoted
EOF
RUN cat <<\EOF > /d
a backslash counts as a quote for the shell only
EOF
