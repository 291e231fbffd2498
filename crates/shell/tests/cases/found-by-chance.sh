arr=(one 'two 2' three); set -- p1 'p 2' p3
IFS=$'\n'; a="${arr[@]^^}"; b="${arr[@]#o}"; c="${arr[@]}"; d="${arr[@]:1}"; e="${@#p}"; f=${arr[@]#o}; h="${arr[@]/o/0}"; unset IFS
declare -p a b c d e f h
IFS=:; x="${arr[@]@Q}"; z="${@:1}"; u="${arr[@]:-d}"; printf '<%s>' "${arr[@]^^}" ${arr[@]:1}; echo; unset IFS; declare -p x z u
(echo $((set -eu; a+=q\'uote))); echo next
f() { local a=x{1,2} b={3,4}; echo $a $b; declare -a c=(q{1,2}); echo "${c[@]}"; }; f; x={1,2}; echo $x
g() { { [ "" -eq 1 ]; } 2>&1; nosuch 2>&1; }; g; { [ "" -eq 1 ]; } 2>&1
s=0123456789; echo ${s:3:2} ${s:9:5} ${s:10:1} ${s:11:1}x; s=é1é2; echo ${s:1:2} ${s:0:1} ${#s}
set -- {1..100}; shift 60; echo $# $1 $2; shift 39; echo "$*"; shift 2; echo $? $#
