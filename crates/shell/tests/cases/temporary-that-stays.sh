# A function exports, or makes readonly, what was assigned for its time: the caller keeps it.
exporting() { export one; }
one=1 exporting
declare -p one
locking() { readonly two; }
two=2 locking
declare -p two
declaring() { declare -x three; three=changed; declare -p three; }
three=3 declaring
declare -p three
inner() { export four; }
outer() { four=4 inner; declare -p four; }
outer
declare -p four
five=5 declare -r five
declare -p five
six=6 declare six
declare -p six 2> /dev/null || echo no six
seven=7 declare -x seven=more
declare -p seven
own() { eight=8 declare -x eight; declare -p eight; }
own
declare -p eight 2> /dev/null || echo no eight
# A local variable that was unset is local still.
emptied() { local v=x; unset v; declare -p v; local -p; echo "${v-unset}"; v=new; }
v=outside; emptied; echo "$v"
v=given emptied
fresh() { local w; declare -p w; }
fresh
w=given fresh
