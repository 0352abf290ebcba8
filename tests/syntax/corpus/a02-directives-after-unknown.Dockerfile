# maintained=by us
# escape=`
FROM alpine
RUN echo one \
 && echo two
