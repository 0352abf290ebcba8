FROM alpine
ENV OLD the rest  of the line "is" one value
ENV A=1 B="two words" C='$A' D=a\ b E=${A:-x}${B#t} F=
ENV 'K'=x
LABEL org.opencontainers.image.title="A title" \
      org.opencontainers.image.description="over \
lines"
LABEL old   two  words
