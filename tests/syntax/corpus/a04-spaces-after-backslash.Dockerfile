FROM alpine
RUN echo one && \  
    echo two && \	
    echo three
RUN echo four \ 	 
# c
  five
