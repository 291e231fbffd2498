# `set -k`: assignments anywhere in a command are its environment.
set -k
env a=1 | grep ^a=
echo x b=2 y "c=3"
f() { echo "$# $1 $q"; }
f q=7 z
q=1 f 1 q=9 2
echo "$q$a$b"
set +k
echo x b=2
