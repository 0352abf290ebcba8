FROM
FROM a b
FROM a as
FROM a to b
FROM alpine AS 1st
FROM alpine AS a/b
FROM ""
