# Keys of associative arrays in expressions: expanded once, whatever they hold.
declare -A m
k=5; ((m[$k]++)); k=w; ((m[$k] += 2)); declare -p m
unset m; declare -A m
for w in it\'s 'say "x"' 'a[0]' 'a]b' '[' '$HOME' '`x`' 'a\b' '*' '@' '!' 'x y'; do
    (( m[$w]++ )); (( m["$w"] += 1 )); m[$w]=$(( m[$w] + 1 ))
    [[ -v m[$w] ]] || echo "lost $w"
done
declare -p m
unset m; declare -A m
(( m['a b']=5, m["c d"]=6 )); declare -p m
k='$x'; x=5; let 'm[$k]=7'; y='m[$k]+1'; echo $((y)) $(( m[$k] ))
e=; (( m[$e]++ )); printf -v "m[$e]" 1; echo $?
a=(5 6 7); k=1; echo $(( a[$k] )) $(( a["$k"] )) $(( a[k+1] )) $(( a[$k+$k] ))
for ((i=0; i<3; i++)); do (( a[$i] *= 2 )); done; declare -p a
shopt -s assoc_expand_once
printf -v "m[$k]" 9; k='$x'; printf -v "m[$k]" 9; test -v "m[$k]"; echo $?; unset "m[$k]"; declare -p m
# The subscript of what is assigned is evaluated after the value.
n=0; (( (a[n] = ++n) < 7 && a[0] )); echo "${a[@]:1}"
n=0; b=(); (( b[n++] = n, b[n++] += 5 )); declare -p b n
i=1; c=(1 2 3); (( c[i++] = i )); declare -p c i; (( c[i] = c[i ? i - 1 : 0] = i > 1 && 9, i )); declare -p c
# What names no element is said and counts as 0.
unset a; v=; (( a[$v]++ )); echo $?; echo $(( a[$v] + 5 )) $(( a[] + 5 )); let "a[@]+=4"; echo $?; declare -p a
a=(7 8); echo $(( a[@] )) $(( a[*] + 1 )); (( a[@]++ )); declare -p a; echo "${a[$v]}"
unset m; echo "${m["a b"]}" ${m["a b"]:-x} "${m[a b]^^}"; cat <<X
${m["a b"]-in a document} ${m[a b]/x/y}
X
