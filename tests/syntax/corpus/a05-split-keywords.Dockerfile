FR\
OM alpine A\
S base
R\
# a comment within the keyword
UN ec\
ho split
\
RUN echo the keyword stands on the second line
\
   \
  CMD [ "ec\
ho" ]
