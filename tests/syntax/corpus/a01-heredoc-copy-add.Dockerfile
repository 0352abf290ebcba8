FROM nginx:1.29-alpine
COPY --chown=nginx:nginx --chmod=644 <<EOF /etc/nginx/conf.d/default.conf
server {
    listen ${PORT:-8080};
    root /usr/share/nginx/html;
}
EOF
ADD <<-"robots.txt" /usr/share/nginx/html/
	User-agent: *
	Disallow: /
	robots.txt
COPY <<a.txt b.txt <<c.txt /texts/
text of a
a.txt
text of c
c.txt
