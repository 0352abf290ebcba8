FROM alpine AS base
RUN echo first
FROM debian AS base
RUN echo second
FROM base AS last
