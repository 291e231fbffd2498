trap 'echo "D:$LINENO [$BASH_COMMAND]"' DEBUG
echo   a    "b"   # comment
x=1   y=2
for ((i=0;i<2;i++)); do  :  ; done
for   i   in 1    2; do :; done
case   x   in x) : ;; esac
[[   a  ==  b  ]]
((  1+1  ))
if true; then echo hi; fi
while false; do :; done
f() { echo in f; local z=3; }
f   a
( echo sub )
{ echo grp; } > /dev/null
echo x | cat
y=$(echo 1) 
echo hi >  /dev/null 2>&1
time echo k
! false
echo bg &
wait
trap - DEBUG
shopt -s extdebug; g() { echo "$FUNCNAME ${BASH_ARGC[*]} ${BASH_ARGV[*]}"; h q; }; h() { echo "${BASH_ARGC[*]} ${BASH_ARGV[*]}"; }; g 1 2
trap '[[ $BASH_COMMAND != *skip* ]]' DEBUG
echo one; echo skip; echo two $?
for i in 1 2; do echo $i; echo skip $i; done
k() { echo k; }; skip() { echo never; }; k; skip
trap - DEBUG; shopt -u extdebug
set -T; trap 'echo "return $FUNCNAME $?"' RETURN; r() { true; return 3; }; s() { r; }; s; echo $?; trap - RETURN; set +T
where() { caller; caller 0; echo $?; caller 1; echo $?; }; where; outer() { where; }; outer
caller; echo $?; caller x; echo $?
