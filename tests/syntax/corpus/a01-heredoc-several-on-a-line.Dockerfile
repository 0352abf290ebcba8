FROM alpine:3.23
RUN cat <<ONE > /one && cat <<-TWO > /two && cat <<'THREE' > /three
first $HOME
ONE
	second, its tabs go
	TWO
third $HOME
THREE
COPY <<first.txt <<"second.txt" /texts/
one
first.txt
two $HOME
second.txt
CMD ["cat", "/one", "/two", "/three"]
