t() { "$@" && echo yes || echo no; }
t [ a = a ]; t [ a != a ]; t [ -z '' ]; t [ -n '' ]; t [ 1 -lt 2 ]; t [ 2 -le 1 ]; t [ ! a = b ]; t [ a ]; t [ ]
t [ a = a -a b = c ]; t [ a = b -o b = b ]; t [ '(' a = a ')' ]; t test -d /; t test -f /; t test -e /nope
[[ abc == a* ]] && echo glob; [[ abc == "a*" ]] || echo literal; [[ abc =~ ^(a)(b.)$ ]] && echo "${BASH_REMATCH[@]}"
[[ a < b && ! b < a ]] && echo order; [[ -n x && ( -z y || 1 -eq 1 ) ]] && echo group
x='*'; [[ abc == $x ]] && echo var; [[ abc == "$x" ]] || echo quoted; re='b+'; [[ abbc =~ $re ]] && echo ${BASH_REMATCH[0]}
touch old; sleep 0.02; touch new; [[ new -nt old ]] && echo newer; ln new hard; [[ new -ef hard ]] && echo same
ln -s new sym; [ -L sym ] && [ -h sym ] && echo link; mkdir d; [ -d d ] && echo dir; [ -x d ] && [ -w new ] && [ -r new ] && echo rwx
v=; [[ -v v ]] && echo set; [[ -v w ]] || echo unset; a=(1); [[ -v a[0] ]] && echo elem; [[ -o braceexpand ]] && echo opt
[ 1 -eq x ] 2>/dev/null; echo $?; [ a b ] 2>/dev/null; echo $?; [[ 5 -gt 3+1 ]] && echo arith
shopt -s nocasematch; [[ ABC == abc ]] && echo nocase; shopt -u nocasematch
for re in 'a{' '{' 'a{1' '({)' 'a{,3}' 'a{x}' '*a' '+' '()' 'a{2}{3}' '^*' 'a|*b' '\{' '[[:alpha:]*]+'; do [[ 'a{' =~ $re ]]; echo "$re $?"; done
test 0 -eq 0 -a '(' = ')'; echo $?
