FROM python:3.13-alpine
RUN <<EOF
#!/usr/bin/env python3
print("no shell reads this")
EOF
RUN <<-EOF
	#!/bin/sh -e
	echo a shell reads this
	EOF
