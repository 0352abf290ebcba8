# syntax=docker/dockerfile:1
# escape=`
# Syntax=docker/dockerfile:1
FROM alpine
