#
#
  #  
#!shebang
FROM alpine
#
CMD echo


   
	
