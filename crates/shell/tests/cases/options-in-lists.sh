# set without a name behind -o, and with a letter that is none.
set -o -x 2> /dev/null | head -n 2; set +x
set -eu -q 2> /dev/null; echo "status $? flags ${-//[!eu]}"
set -eo | grep errexit; set +e
(set -o posix; set -q || true; echo goes on) 2> /dev/null
(set -o posix; if set -o none; then :; fi; echo goes on) 2> /dev/null
(set -o posix; set -q; echo not reached) 2> /dev/null; echo "status $?"
# Too many arguments end a script given as text.
for builtin in history shift 'eval break'; do
  (bash -c "$builtin 1 2; echo reached") 2> /dev/null; echo "$builtin: $?"
done
dirs x 2>&1 | head -n 1 | sed 's/.*dirs: x/dirs: x/'
n='\#'; echo "${n@P}"
