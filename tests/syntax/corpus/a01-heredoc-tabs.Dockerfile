FROM alpine
RUN <<-EOF
		if true; then
			echo tabs go
		fi
    EOF
	EOF
RUN <<EOF
	EOF
  EOF
EOF
RUN <<-'EOT'
no tabs at all
EOT
