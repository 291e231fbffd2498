type -t echo if cat nothing; type cd | head -1; command -v echo; command -v nothing || echo none
alias ll='ls -l'; alias ll; unalias ll; alias ll 2>/dev/null || echo no alias
cd /tmp; cd /; echo $PWD $OLDPWD; cd - ; cd /usr/./bin/..; pwd; pushd / >/dev/null; dirs; popd
x=5; readonly x; (x=6) 2>/dev/null; echo $? $x; export E=1; env | grep '^E='; export -n E; env | grep -c '^E='
declare -i n=3; declare -u up=low; declare -l lo=HIGH; echo $n $up $lo; declare -p n up lo
eval 'echo ev; y=1'; echo $y; eval "echo \$((1+2))"; cd /tmp; echo 'echo sourced $1; z=2; return 5; echo no' > s; . ./s arg; echo $? $z
set -- a b c; shift; echo $*; shift 5; echo $?; set -- ; echo $#; set -o | grep -c .; echo $-
read -r a b <<< 'x y z'; echo "$a|$b"; IFS=: read -r a b c <<< 'p:q:r:s'; echo $c; read -n 2 v <<< abc; echo $v
read -d ';' v <<< 'one;two'; echo $v; echo 'a\b' | { read v; echo $v; }; read v < /dev/null; echo $?
umask 027; umask; umask -S; umask u=rwx,g=rx,o=; umask; getopts a o -a; echo $o; let a=1+1; echo $a
hash -r; times > /dev/null; echo $?; test -t 0 || echo notty; kill -l 9; kill -l TERM; caller || echo top
printf '%s\n' {1..3} | mapfile -t m; echo ${#m[@]}; unset -v x 2>/dev/null; echo $?; : ${u:=d}; echo $u
bash -c 'echo $0 $1' name arg; sh -c 'echo posix $((1+1))'; exec 3>&1; echo three >&3; (exec echo replaced; echo no)
