FROM alpine AS Build
RUN touch /a
FROM alpine AS second-stage_2.0
COPY --from=BUILD /a /a
FROM build
COPY --from=build /a /b
