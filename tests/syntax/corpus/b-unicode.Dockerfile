# Kommentar: Größe, 日本語, emoji 🚀
FROM alpine AS base
LABEL author="Zoë Müller" 日本="ja"
RUN echo 'naïve café' && \
    # – ein Gedankenstrich
    echo 🚀 > /tmp/ü.txt
COPY <<données.txt /tmp/
é
données.txt
COPY übung.txt /ziel/
