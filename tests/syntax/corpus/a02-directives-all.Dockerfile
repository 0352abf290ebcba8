# syntax=docker/dockerfile:1.20
# check=skip=JSONArgsRecommended;error=true
# escape=\
FROM alpine
CMD echo
