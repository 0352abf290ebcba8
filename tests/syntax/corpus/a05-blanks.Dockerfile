FROM	alpine		ASx
 	 RUN echo   a
 RUN echo behind a no-break space
　# a comment behind an ideographic one
 
COPY a b c d /
