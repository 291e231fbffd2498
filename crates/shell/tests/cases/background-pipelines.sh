# Each stage of a pipeline in the background is a process of the job, and `$!` is the last one.
n() { jobs -l > met-jobs; sed 's/^\(.\{5\}\) *[0-9][0-9]*/\1N/' met-jobs; rm met-jobs; }
sleep 0.3 | sleep 0.2 |& cat & n; jobs; p=$(jobs -p); [ $! -ge $((p + 2)) ] && echo apart; wait $!; echo $?
(exit 3) | (exit 4) & wait $!; echo $?
(exit 3) | true & wait %1; echo $?
! (exit 3) | false & wait $!; echo $?
false | sleep 0.1 | (exit 3) & sleep 0.3; n; n
false | (exit 3) | sleep 1 & sleep 0.1; n; kill %1; wait
set -o pipefail
(sleep 0.1; exit 4) | true & wait $!; echo $?
(sleep 0.1; exit 4) | true & wait -n; echo $?
(exit 4) | true & wait $(jobs -p); echo $?
(sleep 0.1; exit 4) | true & set +o pipefail; wait %1; echo $?
sleep 1 | (exit 3) & p=$(jobs -p); wait -n -p x $p; echo $? $((x == p)) $((x == $!))
sleep 0.1 | (exit 3) & p=$(jobs -p); wait -p x $p; echo $? $((x == p)) $((x == $!))
sleep 0.1 | (exit 3) & wait -p x %1; echo $? $((x == $!))
sleep 5 | sleep 6 & kill $!; sleep 0.1; jobs; kill $(jobs -p); sleep 0.1; wait; jobs
echo word | cat - /dev/null | tr a-z A-Z & wait
cat | cat & wait $!; echo $?
shopt -s lastpipe; x=old; echo a | read x & wait; echo $x; shopt -u lastpipe
set -m
sleep 0.2 | sleep 0.3 & [ "$(ps -o pgid= -p $! | tr -d ' ')" = "$(jobs -p)" ] && echo group; fg; echo $?
(exit 3) | (sleep 0.1; exit 4) & fg; echo $?
set +m
mkdir -p met-dir; cd met-dir; sleep 5 & cd ..; jobs | sed 's|/[^ ]*/||'; kill %1; wait; rmdir met-dir
sleep 5 & f() { jobs; }; echo no; f | cat; { jobs; } | cat; jobs | cat; kill %1; wait
trap 'echo debug $BASH_COMMAND' DEBUG; echo a | cat & wait; trap - DEBUG
set -e; false | true & wait; (exit 3) | (exit 4) & wait $!; echo unreached
