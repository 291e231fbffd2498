# A simple command of a pipeline sees the jobs of the shell; what it runs, and compound commands, do not.
count='\j'
listed() { jobs; }
sleep 0.5 &
echo "${count@P}" | cat
echo | echo "${count@P}"
echo | { echo "${count@P}"; }
echo | (echo "${count@P}")
show() { echo "${count@P}"; }
show | cat
eval 'echo "${count@P}"' | cat
(echo "${count@P}")
echo "$(echo "${count@P}")"
jobs | wc -l
command jobs | wc -l
builtin jobs | wc -l
command=jobs
$command | wc -l
x=1 jobs | wc -l
listed | wc -l
{ jobs; } | wc -l
. /dev/stdin <<< jobs | wc -l
wait
