args() { printf '%d:' $#; printf ' [%s]' "$@"; echo; }
x='a  b' e= g='*'
args $x "$x" '$x' \$x "\$x" "a\"b" 'it'\''s' $'t\tn\x41\u00e9'
args $e "$e" ''$e "" $e$e "$e"x
args "a"'b'c\ d "${x}"y
set -- 'one two' '' three
args "$@"; args $@; args "$*"; args $*; args "x$@y"; args "${@:2}" "${*:1:2}"
IFS=,; args "$*" $x; v=1,2,,3; args $v "$v"; IFS=$' \t\n'
IFS=': '; v=' a : b:: c '; args $v; unset IFS
args ${e:-a b} "${e:-a b}" ${e:-"a b" c} ${x:+"$x" d}
set --; args "$@"; args "a$@"; args ${1-} "${1-}"
echo "a\
b" 'c\
d'
args {a,b}{1,2} {1..3} {03..1} {a..e..2} x{,y} {single} "{a,b}"
