# comment
FROM alpine
CMD echo
