(trap 'echo bye $?' EXIT; echo hi; exit 3); echo $?
(trap 'echo err $?' ERR; false; true; if false; then :; fi; (exit 5)); 
trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap 'echo term; exit 9' TERM; (kill -TERM $BASHPID; echo no); echo $?
trap -p USR1; trap - USR1; trap '' USR1; kill -USR1 $$; echo ignored
(set -e; trap 'echo exit-trap' EXIT; false; echo no); echo $?
f() { trap 'echo return-trap' RETURN; echo body; }; f; trap - RETURN
trap 'echo debug $BASH_COMMAND' DEBUG; x=1; echo $x; trap - DEBUG
(trap 'echo outer' EXIT; (trap 'echo inner' EXIT; :); :)
bash -c 'trap "echo child" EXIT; exit 4'; echo $?
sleep 5 & p=$!; kill $p; wait $p; echo $?
trap 'echo chld' CHLD; true; trap - CHLD; trap 'echo last' EXIT
( trap 'echo urgent' URG; kill -URG $BASHPID; trap 'echo line $LINENO' USR1
kill -USR1 $BASHPID )
set -E; trap 'echo err $LINENO' ERR; false & wait; { false; :; } & wait; false | true; trap - ERR; set +E
( echo sub $BASH_SUBSHELL ) | cat
