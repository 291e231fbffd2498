# Corners of the manual: attributes of what is only declared, joined expansions, names and options that are one.
declare -rl V; echo "${V@a}"; declare -arl A1; echo "${A1@a}" "${A1[@]@a}"; declare -ai foo=(); echo "[${foo[@]@a}]" "[${foo[0]@a}]"
f=abcd; echo ${f[@]:0:1} "${f[@]:1:2}" ${f[*]:1} "${f[@]: -1}"; g=(one two); echo ${g[@]:0:1}
(IFS=+; set -- a b c; b=${@/a/x}; echo "$b"; b="${@/a/x}"; echo "$b"; b=${@#a}; echo "$b"; g=(q r); b=${g[@]^}; echo "$b"; b=${@:1}; echo "$b"; b=${*:1}; echo "$b")
set -o ignoreeof; echo $IGNOREEOF; unset IGNOREEOF; set -o | grep ignoreeof; IGNOREEOF=5; set -o | grep ignoreeof; set +o ignoreeof; echo "[$IGNOREEOF]"
(cd /; pushd /usr >/dev/null; dirs -v -1; dirs -v +1; dirs -p +0)
r=(1); h() { export r='(5)'; }; h; declare -p r; h() { export -a r='(7)'; }; h; declare -p r
h() { local -p; declare -p q; }; q=zz h
printf '%-24(%Y (foo) %m)T|\n' 0
for s in 'echo ${#+}' 'echo ${#%}' 'echo ${#+x}' 'command . notthere; echo one' '. notthere; echo two' 'set -Z; echo three' 'command set -Z; echo four'; do bash -o posix -c "$s" 2>/dev/null; echo $?; done
(readonly OPTARG; getopts :x x -a; echo "$? $x") 2>/dev/null
i=0; a=(); a[i++]=$i; a[i++]=$((i+5)); a[$((i++))]=$i; a[i]+=$((i++)); declare -p a i
declare -A m; m[$((i++))]=$i; m[$i]=$((i++)); declare -p m
trap 'echo debug' DEBUG; trap 'echo return' RETURN; (trap -p | sed 's/d/D/'); x=$(trap -p); trap - DEBUG; echo "$x"
