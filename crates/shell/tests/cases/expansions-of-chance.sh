shopt -u extglob; w=a/b/c; echo "${w^^+([a-z])}" "${?@A}|${#@A}|${-@A}|"
unset a m; set -- "${a[@]@K}" "${m[@]@k}"; echo $#
v='a b'; n=([$v]=x{1,2} ["$v"]={3,4}); declare -p n
(set -u; echo $((a[2]))); echo $?
for w in x=~ ~; do echo "$w"; done
