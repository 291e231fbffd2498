# What leaves the table of jobs, and when.
sleep 0.1 & wait; jobs; echo waited
(exit 3) & p=$!; sleep 0.05; jobs; wait $p; echo $?; wait -n; echo $?
sleep 5 & kill %1; wait; jobs
sleep 5 & kill %1; sleep 0.1; jobs; wait %1; echo $?
trap 'echo child' CHLD; (exit 1) & wait; echo $?; trap - CHLD
fg -x; echo $?; bg -x; echo $?
set -m
sleep 5 & sleep 6 & jobs; kill %1 %2; wait
set +m
sleep 5 & jobs -n; jobs -x test %1 -gt 1; echo $?; kill %1; wait
