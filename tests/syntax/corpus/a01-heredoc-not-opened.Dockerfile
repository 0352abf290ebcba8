FROM alpine
RUN echo $((1<<3)) a<<b '<<EOF' "<<EOF" <<< here
RUN it\'s="x" && echo "<<EOF" \<<EOF
RUN cat <<"" && true
LABEL doc=<<EOF
ENV DOC <<EOF
CMD cat <<EOF
