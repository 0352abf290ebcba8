FROM alpine
RUNN echo
echo lost line
COPY a b
