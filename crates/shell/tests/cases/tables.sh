# Arrays that are tables of the shell, and what -c executes.
BASH_ALIASES[z]='echo aliased'; alias z; echo "${BASH_ALIASES[z]}"
BASH_CMDS[foo]=/bin/true; hash -t foo
echo "${BASH_EXECUTION_STRING:0:8}"
(set -u; echo $1) 2>&1 | sed 's/.*: \(.*: unbound\)/\1/'
