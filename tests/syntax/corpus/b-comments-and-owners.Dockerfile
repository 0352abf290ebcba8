# of the file

# of the stage, first line
# of the stage, second line
FROM alpine

   # indented
RUN echo one
# dangling at the end of the stage

# of the second stage
FROM alpine
# last line
