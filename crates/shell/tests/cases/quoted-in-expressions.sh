# Quoting in the bracket expressions of =~ adds no backslash.
t() { if [[ $1 =~ $2 ]]; then echo "$3 matches"; else echo "$3 does not"; fi; }
[[ '\' =~ ["."] ]] && echo 1
[[ . =~ ["."] ]] && echo 2
[[ '\' =~ [\.] ]] && echo 3
[[ '\' =~ [\\] ]] && echo 4
[[ ']' =~ [']'] ]] && echo 5
[[ dog =~ ['[=d=]'].. ]] && echo 6
[[ '\' =~ [^]"."] ]] && echo 7
[[ a.c =~ a"."c ]] && echo 8
[[ abc =~ a"."c ]] || echo 9
[[ 'a[b' =~ a"["b ]] && echo 10
[[ 'x]' =~ [x]"]" ]] && echo 11
[[ 'a-c' =~ [a"-"c]{3} ]] && echo 12
[[ b =~ [a"-"c] ]] && echo 13
r='[.]'; t . "$r" a; t x "$r" b
[[ 'x*' =~ ^[[:alpha:]]"*"$ ]] && echo 14
[[ 'x:*' =~ ^[[:alpha:]:]+"*"$ ]] && echo 15
# A line goes on in a here-document, up to the word that ends it, and in backquotes.
cat << END
one \
line
E\
ND
cat <<- END
	a\
	b
	END
cat << 'END'
E\
ND
END
echo `echo 'in\
side'` `echo x\
y`
# The number at the end of an alias is no descriptor.
shopt -s expand_aliases
alias zero='echo 0' braces='echo {v}'
eval 'zero> to; braces> brace'
cat to brace
# set quotes what needs it.
a=x#y b='#x' c=a,b d='a b' e='~' f=x~y g=a:~ h=$'a\tb' i='{}' j=!
set | grep '^[a-j]='
# The word of a redirection as it is written.
v=42
echo x 2>&1 >&$v | sed 's/.*: \$v/$v/'
exec {fd}> out; echo "$((fd >= 10))"; exec {fd}>&-; fd=3
readonly fd
exec {fd}> out; echo "status $?, $fd"
