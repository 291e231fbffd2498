# Elements of compound assignments, brace expansion and tilde prefixes among them.
HOME=/home/u
a=([0]=~ [1]=b:~); declare -p a
declare -A q=([x]=~ ['y']=~:~); declare -p q
q[t]=~; declare -p q
declare -A p=(x ~ y z); declare -p p
v='1 2'; declare -A w=($v 3); declare -p w
declare -A m=([a]=1); m=([a]+=2 [b]=3 [b]+=4); declare -p m
n=(1 2); n=([0]+=5 [1]=3 [1]+=4); declare -p n; n+=([0]+=5); declare -p n
b=([2]=-{x,y}-); declare -p b
t=A; echo {$t,b}_{c,d} {_$t,b}_{c,d} ~{/src,root}
declare -A s=([xx]=1 [yy]=2 [zz]=3); echo "${s[@]:0:2}" "${s[@]:1:2}" "${s[@]:3}"
a[0 + 1]=foo env > /dev/null; declare -p a
X=(1 2) eval 'echo "$X"'
IFS=x; set -- a b ''; for i in $@; do echo "<$i>"; done; for i in 1$@2; do echo "<$i>"; done
set -- '' '' ''; set -- $*; echo $#
unset IFS; IFS=ç; l=açbç; printf '<%s>' $l; echo
IFS=; e1=1 e2=2; for i in ${!e?*}; do echo "<$i>"; done; for i in ${!e*}; do echo "<$i>"; done; echo ${!a[*]}
echo ${undef:} ; echo ${undef: }
echo "${!#}" ${!nope-x}
echo still here
# A wrong subscript is one also where there is no array, but for a length.
for op in '' '#x' ':-d' ':1' '@P' '+x' '/a/b' '^'; do (eval "echo \"\${none[a b]$op}\""; echo no) 2> /dev/null; echo $?; done; echo ${#none[a b]}
