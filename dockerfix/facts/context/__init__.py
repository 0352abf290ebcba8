"""The build context: what an ignore file leaves of it, what COPY and ADD take, what is sent."""
