# References that refer to nothing, to themselves, to elements.
ref='#'; typeset -n ref; echo $? ref=$ref
x=X; typeset -n r2; r2=(x y); declare -p r2
typeset -n c1=c2; typeset -n c2=c1
c1=z
echo $?
a=(X Y Z); typeset -n e='a[0]'
e[0]=foo
echo $? "${a[@]}"; e=bar; echo "${a[@]}"
typeset -n all='a[@]'
all=(1 2)
echo $? "${all[@]}" "${a[@]}"
typeset -n t=target; declare -a t=(p q); declare -p target
f() { typeset -n l=$1; declare -i l; l=2+3; declare -p l target2; }; f target2
readonly -a ra; declare -p ra
a[1]=(x)
echo $?
SHELLOPTS_TEST=1; export SHELLOPTS; set -u; bash -c 'echo $-' | grep -c u
declare -n n1=n2 n2=n3; n3=deep; echo $n1 ${!n1}; n1=new; echo $n3
for i in p q; do declare -n l=$i; l=v$i; done; echo $p $q
b=(1 2 3); declare -n el='b[1]'; echo $el ${!el}; el=EL; echo "${b[@]}"; unset el; declare -p b
