FROM alpine
RUN echo one && \

    echo two && \
   	
    # and a comment

    echo three
RUN echo four \


RUN echo this belongs to four
