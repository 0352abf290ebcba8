FROM node:24-alpine AS base
ONBUILD COPY --from=base /app /app
ONBUILD COPY --from=0 /app /app
ONBUILD RUN --mount=type=cache,target=/root/.npm npm ci
ONBUILD ENV A=1 B=2
ONBUILD CMD ["node", "."]
onbuild healthcheck CMD true
ONBUILD \
  # between
  RUN \
    echo
