FROM alpine
RUN /bin/reader 3<<THREE 4<<-FOUR 0<<ZERO
three
THREE
	four
	FOUR
zero
ZERO
RUN echo 12<<X
twelve
X
