trap 'echo "dbg $BASH_COMMAND"' DEBUG
for (( i=0; i<2; i++ )); do continue; done
cat <<X
body
X
trap - DEBUG
trap '' DEBUG; (trap -p DEBUG)
f() { cat <<X
 a\ b \
more
X
}
declare -f f
trap 'echo "in $BASH_COMMAND"' DEBUG; trap 'echo "err"' ERR
false
