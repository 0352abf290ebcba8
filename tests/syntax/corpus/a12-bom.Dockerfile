FROM alpine
CMD echo
