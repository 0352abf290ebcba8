FROM alpine
RUN echo aRUN is no new line
RUN echo bc
RUN echo  line separator next line
