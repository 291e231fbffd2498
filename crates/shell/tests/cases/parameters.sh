v=path/to/file.tar.gz u= n=
echo ${v#*/} ${v##*/} ${v%.*} ${v%%.*} ${#v} ${v:5} ${v:5:2} ${v: -2} ${v:1:-3}
echo ${v/t/T} ${v//t/T} ${v/#path/P} ${v/%gz/G} ${v//[aeiou]} ${v//\//_} ${v/file/<&>}
echo ${v^} ${v^^} ${v^^[a-f]} ; w=LOUD; echo ${w,} ${w,,} ${w~} ${w~~}
echo "${u-unset}" "${u:-empty}" "${nope-unset}" "${nope+set}" "${u+set}" "${u:+set}."
echo ${nope:=assigned} $nope
(echo ${missing?gone}; echo no) 2>/dev/null; echo "status $?"
ref=v; echo ${!ref} "${!ref##*.}"
for name in ${!BASH_VERS*}; do echo $name; done
s='a"b $c'; echo "${s@Q}" ${s@U} ${v@u}; e='x\ty'; echo "${e@E}"
é=1 2>/dev/null; m=äöü; echo ${#m} ${m:1:1} ${m^^}
set -- a b c d e; echo ${@:2:3} ${@: -1} ${#@} $# ${*:0:1}
x=(1 2 3); echo "${x[@]/#/n}" "${x[@]:1}" ${#x[@]} "${x[*]}" ${x[-1]} ${!x[@]}
echo ${x[@]@A}
