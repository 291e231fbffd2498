# Line continuations inside names, operators and expansions.
fo\
o\
=\
b\
ar
echo $f\
oo ${\
f\
oo} ${#\
foo} ${foo\
:\
1} $\
(\
(1 + \
2)\
)
cat <<X
$f\
oo
X
shopt -s expand_aliases
alias say='echo [ '
cat <<X
$(say ])
X
alias FOR='for ' i1='i ' IN='in '
FOR i1 IN 1 2; do echo $i; done
declare z[ 1 ]=x; echo ${#z[@]}
cat < <(echo "$(</dev/null)" < /dev/null)
echo text > met-file; cat <(< met-file); rm met-file
