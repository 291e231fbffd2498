# What set -x shows, and what traps see of a command.
{
x=1 y='a b' z=; set -x
: "a b" '' $'x\ny' $'c\001' a=b a~ '#' a# {a} "it's"; v=1 w='a b'; for i in 1 "2 3" $v; do :; done
[[ a == b || -z $z ]]; [[ $w == a* ]]; [[ $v -eq 1 ]]; [[ $v ]]
((1+1)); (( v + 1 )); for ((i=0;i<1;i++)); do :; done; case $v in a) ;; esac; a=(1 "2 3" $v); a+=(4); a[1]=x
f() { : in; }; f; eval ': e'; : $(: sub); (: s); { : g; } > /dev/null; let v=2; unset v; set +x
} 2>&1
trap 'echo err $? $BASH_COMMAND' ERR; (exit 5); g() { false; }; g; set -E; g; trap - ERR; set +E
wait_for() { sleep 0.01 & p=$!; wait -n; echo $?; wait $p; echo $?; }; wait_for
( set -o posix; trap 'x' USR1; trap; alias a=b; alias; export met_x=y; export -p | grep met_x )
sleep 1 & jobs | sed 's/ *sleep/ sleep/'; jobs -l | sed 's/ *[0-9][0-9][0-9]*/ N/; s/ *sleep/ sleep/'; kill $!; wait $! 2>/dev/null; echo $?
h() { local - a=1; local; }; h; v=1; (echo ${v@Z}) 2>/dev/null; echo $?; echo "[${nope@Z}]"
