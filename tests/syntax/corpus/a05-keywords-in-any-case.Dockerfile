from alpine as base
Run echo one
rUN echo two
copy --chown=1 /etc/os-release /
env A=1
cmd ["echo"]
