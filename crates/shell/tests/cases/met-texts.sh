# Texts that are expanded when they are met: subscripts in values and arguments, prompts, word lists.
x='a[$(echo 2)]'; a=(5 6 7)
echo $((x)) $((x += 3)) "${a[@]}"
unset 'a[$(echo 0)]'; declare -p a
declare -A h=([K]=v [L]=w); k=K
unset "h[\$(echo K)]"; declare -p h
y='a[$(echo 1)]'; echo "${!y}" "${!y:-q}" "${!y#6}" "${!y+set}"
printf -v 'a[$(echo 9)]' z; declare -p a
[[ -v 'a[$(echo 9)]' ]] && echo is set
test -v 'a[$(echo 8)]' || echo is not set
PS1='$(echo hi) `echo x` ${a[2]} \\'; echo "${PS1@P}"
v='\h'; PS1='$v'; echo "${PS1@P}"
declare -n r='a[$(echo 1)]'; echo $r; r=44; declare -p a; r+=5; echo $r
IFS=':%'; compgen -W '$(echo "spam:eggs%ham cheese") ${a[1]}:"x y"'; unset IFS
compgen -W 'foo bar fob' fo
declare "b[\$(echo 3)]=q"; declare -p b
declare -a c='([$(echo 4)]=t u $(echo v w))'; declare -p c
for i in 1 2; do unset "a[\$(echo $i)]"; done; declare -p a
f() { local 'q[$(echo 5)]=5'; declare -p q; }; f
(( d[$(echo 1)] = 3 )); let 'd[$(echo 2)]=8'; declare -p d
z='d[$(exit 3)1]'; echo $((z)) $?
PS4='${FUNCNAME[0]-main}: '; g() { : one; }; { set -x; g; : two; set +x; } 2>&1
