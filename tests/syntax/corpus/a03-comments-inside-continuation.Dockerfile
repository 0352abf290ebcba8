FROM rust:1.90-alpine
RUN apk add --no-cache \
    # the linker
    musl-dev \
  # code generators; \
    make \
	# "quotes" and 'others
    perl
RUN echo "a text \
# this line goes, the quotes are no shelter
 over lines" # and this stays: it is the shell's
ENV A=1\#B=2
LABEL note="#not a comment" \
# last
