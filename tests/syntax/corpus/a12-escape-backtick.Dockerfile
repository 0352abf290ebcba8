# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2025
SHELL ["powershell", "-Command"]
RUN dir C:\
RUN Write-Host one; `
    # inside
    Write-Host two
COPY a.txt C:\dir\
ENV PATH=C:\a` b C="x `"y`" z"
RUN echo <<EOF
\
EOF
RUN echo doubled ``
WORKDIR C:\app
