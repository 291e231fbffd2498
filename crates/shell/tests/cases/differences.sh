# What a search for differences with scripts made at random has brought to light.
echo "== ERR runs once"
( trap 'echo "err $?"' ERR; false 2>/dev/null; { false; } 2>/dev/null; ( false ) >/dev/null; for i in 1; do false; done 2>&1; : )
( trap 'echo "err $?"' ERR; : < /nonexistent/x; { :; } < /nonexistent/x ) 2>/dev/null
echo "== operands"
unset u a v n; set --
echo "${u#$(echo 1 >&2)}" "${u/x/$(echo 2 >&2)}" "${u:$((n++))}" "${1%$(echo 3 >&2)}" "${a[3]/$(echo 4 >&2)/}" "${a[@]/x/$(echo 5 >&2)}" 2>&1; echo "${n-unset}"
echo "${c[5]=x}-n" "${c[5]}" "A${d[2]:=y}B"
echo "${!1}" "${!2-d}" "${!*}" "${!@}."; printf '%s|' "${!*}" "${!1}" x; echo
q=(); q[3]=x; echo "${!q}."
(echo "${?^^}") 2>&1; (echo "${#,}") 2>&1; (echo "${-~}") 2>&1
echo "${v-"\a"}" "${v-"x\y"z\w}" "${v-"a\ b"}" "${v-$'\x41'}" "${v-$"q"}" "a\b${v-"\c"}\d" "${v-'\a'}"
m=(1 2 3); echo "${m[@]:5:-1}" "${m[@]:3:-1}" "${e[@]:1:-1}"; echo "${@:5:-1}."
echo "== arrays"
z=([@]=1 x [*]=2 [1+1]=3 [$v]=4) 2>&1; declare -p z
y[-1]=x 2>/dev/null; declare -p y 2>&1; y[@]=x 2>/dev/null; declare -p y 2>&1
n=-1; echo $((5 - w[n]++)) 2>&1; unset n
unset 'nothere[a b]'; echo $?
declare -a k; echo "${k@A}|${k[@]@A}|${nothere[@]@A}"; s=1; echo "${s[@]@A}"
eval 'echo one; a=(;)
echo two $?'
r=( ( ) )
echo "three $?"
echo "== declare"
declare -aA both 2>&1; echo $?; declare -p both
declare -n ref[9] 2>&1; echo $?; declare -n li=(1 2) 2>&1; echo $?; declare -p li
declare -n em=t; declare +n em=hello; declare -p em t
(declare -n none; none[1]=x) 2>&1; echo $?
declare -ni rf=target 2>/dev/null; echo $?; declare -i was=3; declare -n was=other; was=5+5; declare -p was other
declare -a "li[2]=(3 4)"; declare -p li
export "e[0]=1" 2>&1
declare -i num; num='*' eval 'echo "$num"'
set -- "A B" C; all=("$@"); declare -n every='all[@]'; printf '<%s>' "$every" $every; echo
echo "== locals"
unlocal() { unset -v "$1"; }
f() { local v; echo "1 ${v-u}"; unlocal v; echo "2 ${v-u}"; }
v=global; v=temp f; v=temp eval f; echo "$v"
g() { local v=outer; v=temp eval 'local v=inner; unlocal v; echo "3 ${v-u}"'; echo "4 $v"; }; g
export v; h() { local v; declare -p v; env | grep ^v=; v=own; env | grep ^v=; }; h; echo "$v"
export -n v
echo "== programs make their redirections in a process of their own"
cat <<X
$((side++)) ${other2:=3}
X
echo "${side-none} ${other2-none}"; cat <<< $((side++)) >/dev/null; echo "${side-none}"; read x <<< $((side++)); echo "$side $x"
set -u; cat <<X 2>/dev/null
$nothere
X
echo "still here $?"; set +u
echo "== rest"
! true & wait $!; echo $?; ! true | true & wait $!; echo $?
printf '%c%c' | od -An -c; printf -v x 'a%cb' ''; echo "$x"
for _ in 1; do continue; done; echo "$_"
eval 'echo $(if)' 2>/dev/null; echo "not reached $?"
