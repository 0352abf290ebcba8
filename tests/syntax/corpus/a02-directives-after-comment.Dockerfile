# A comment first, so that what follows is a comment too.
# escape=`
FROM alpine
RUN echo one \
 && echo two
