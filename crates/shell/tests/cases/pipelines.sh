echo hello | cat | wc -c; yes | head -2; false | true; echo $? ${PIPESTATUS[@]}
(exit 2) | (exit 3) | true; echo "${PIPESTATUS[*]}"; set -o pipefail; (exit 2) | true; echo $?; set +o pipefail
x=1; echo 5 | read x; echo $x; shopt -s lastpipe; echo 5 | read x; echo $x; shopt -u lastpipe
a=$(echo one; echo two); echo "$a"; echo "$(echo "$(echo deep "$(echo er)")")"
b=$(printf 'x\n\n\n'); echo "[$b]"; false; c=$(true); echo $?; c=$(exit 9); echo $?
(cd /; x=sub; pwd); echo $x; pwd | wc -l
sleep 0.02 & wait $!; echo $?; (exit 7) & wait $!; echo $?; wait; echo $?
{ sleep 0.05; echo late; } & echo early; wait
! false | true; echo $?; time_free() { :; }; echo a | while read -r l; do echo "got $l"; done
f() { echo $BASHPID; }; [ "$(f)" != "$$" ] && echo other; [ $$ = $(echo $$) ] && echo same
echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL) ; ( (echo $BASH_SUBSHELL) )
seq 5 | { read -r a; read -r b; echo $a $b; cat | wc -l; }
coproc { read -r l; echo "co $l"; }; echo msg >&${COPROC[1]}; read -r r <&${COPROC[0]}; echo "$r"; wait
trap 'echo sig' USR1; { sleep 0.05; kill -USR1 $$; } & read -t 1 x < <(sleep 0.15; echo line); echo "$? $x"; wait; trap - USR1
echo 'echo first' > met-env; BASH_ENV=./met-env bash -c 'echo second'; rm met-env
printf 'a\tb\n' | expand -t 20000000 | wc -c
