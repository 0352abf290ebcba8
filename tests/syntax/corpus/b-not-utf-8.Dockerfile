# café
FROM alpine
RUN echo ÿþ
LABEL a="é"
COPY <<EÿF /x
body
Eï¿½F
