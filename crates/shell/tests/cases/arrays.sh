a=(one 'two three' four); a[5]=six; a+=(seven)
echo ${#a[@]} ${!a[@]}; for e in "${a[@]}"; do echo "<$e>"; done
unset 'a[1]'; echo "${a[@]}" / ${a[-1]} / "${a[@]:2:2}"
declare -p a; b=("${a[@]}"); declare -p b
c=([3]=x [1]=y z); declare -p c; c=(); echo ${#c[@]}
declare -A m; m[one]=1; m['two words']=2; m[three]=3
echo ${m[one]} "${m[two words]}" ${#m[@]}; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
unset 'm[one]'; [[ -v m[one] ]] || echo gone; [[ -v m[three] ]] && echo there
declare -p m
s=scalar; s[1]=x; declare -p s; echo $s
f() { local -a l=(1 2); l+=(3); echo "${l[*]}"; }; f
read -ra w <<< 'p q  r'; declare -p w
mapfile -t lines < <(printf '%s\n' l1 l2 l3); echo ${#lines[@]} ${lines[2]}
n=(); for i in {1..5}; do n+=($((i*i))); done; echo ${n[@]}; echo "${n[@]: -2}"
declare -n r=n; r+=(36); echo ${#n[@]} ${r[5]}
