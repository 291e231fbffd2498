# How the elements of `${@#p}`, `${!a[@]}` and the like are joined where nothing is split.
t() {
  ops=("$@"); set -- pa pb pc
  for op in "${ops[@]}"; do
    eval "case \"\${$op}\" in *:*) r=:;; *\ *) r=sp;; *) r=none;; esac; case \${$op} in *:*) s=:;; *\ *) s=sp;; *) s=none;; esac
    [[ \"\${$op}\" == *:* ]] && r=\$r:; [[ \${$op} == *:* ]] && s=\$s:; x=\"\${$op}\"; y=\${$op}; h=\$(cat <<< \"\${$op}\"); i=\$(cat <<< \${$op})"
    echo "$op case $r $s assign <$x> <$y> here <$h> <$i>"
  done
}
a=(pa pb pc)
for IFS in : '' ' ' x; do
  t '@#p' '*#p' 'a[@]#p' '@%c' '@/p/q' '*/p/q' '@^' '*^' '@@Q' '@:1' '*:1' 'a[@]@k' 'a[*]@k' 'a[@]@a' '@@a' '!a[@]' '!IF@' '!IF*'
done
unset IFS; set -- pa pb; IFS=:
case 'a b' in ${@#p}) echo pattern;; esac; [[ 'a b' == ${@#p} ]] && echo pattern
: ${y:=${@#p}}; echo "$y"; declare z=${@#p} w="${@#p}"; echo "$z $w"; echo "${q:-${@#p}}"
q=(${@#p}); declare -p q; declare -A h=([${@#p}]=${@#p}); declare -p h; v=${@#p} env | grep ^v=
cat << X
${@#p} ${!a[@]}
X
unset IFS
# The subscript of an assignment in an expansion is evaluated once more.
unset u; n=0; echo "${u[n++]}" $n; echo "${u[n++]:-d}" $n; echo "${u[n++]:=d}" $n; declare -p u
f() { echo called >> met-calls; echo 1; }; unset a; declare -A m; : ${a[$(f)]:=v} ${m[$(f)]:=v}; wc -l < met-calls; rm met-calls; declare -p a m
unset a; n=0; : ${a[n++ + 5]:=$n$((n++))}; declare -p a n
# A key that quotes the bracket behind it is none.
declare -A k; b='\'; read "k[$b]" <<< 1; printf -v "k[$b]" 1; declare "k[$b]=1"; k[$b]=2; unset "k[$b]"; declare -p k
