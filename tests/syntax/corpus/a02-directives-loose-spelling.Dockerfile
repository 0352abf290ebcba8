  #  SYNTAX =  docker/dockerfile:1  
#Escape=`
FROM alpine AS a
RUN echo one `
 && echo two
