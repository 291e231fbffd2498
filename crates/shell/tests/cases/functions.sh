fact() { (($1<2)) && echo 1 || echo $(($1 * $(fact $(($1-1))))); }; fact 10
outer() { local v=outer; inner; echo $v; }; inner() { v=changed; w=global; }; v=top; outer; echo $v $w
f() { local x=1; g; echo f$x; }; g() { local x=2; echo g$x; unset x; echo ${x-none}; }; f
h() { echo "$# $1 ${FUNCNAME[0]} ${FUNCNAME[1]}"; }; k() { h "$@"; }; k a b
function named { echo named; } ; named; unset -f named; type named >/dev/null 2>&1 || echo gone
r() { echo in >&3; } 3>&1; r
t() { trap 'echo ret' RETURN; echo body; }; t
p() { X=$X:p; echo $X; }; X=temp p; echo "[${X-}]"
e() { return; }; false; e; echo $?
(set -e; q() { false; echo not; }; q || echo caught; q; echo never); echo $?
declare -f inner
rec() { [ $1 -gt 0 ] && rec $(($1-1)); return $1; }; rec 200; echo $?
opt() { local OPTIND=1 o; while getopts 'ab:c' o; do echo "$o ${OPTARG-}"; done; shift $((OPTIND-1)); echo "rest $*"; }
opt -a -b val -c x y; opt -bval -- -z; opt
nested() { local OPTIND=1 o; while getopts xyz o; do echo $o; [ $o = y ] && inner2 -ab; done; }; inner2() { local OPTIND=1 p; while getopts ab p; do echo $p; done; }; nested -xyz
