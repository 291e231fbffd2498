mkdir -p cg; cd cg; touch cfile README; mkdir -p cdir; shopt -s extglob
compgen -W '&1 foo' -X '\&*'; compgen -W 'a b' -X '!a'; compgen -f -X '!(README)' READ; compgen -f -X '!!(READ)' READ; compgen -f -X '!!(README)' READ; echo $?
compgen -o default -W x c | sort; compgen -o dirnames -W x c; compgen -o plusdirs -W cx -S s c | sort; compgen -o nope -W x; echo $?
_c() { declare -p COMP_KEY COMP_TYPE COMP_LINE COMP_POINT COMP_WORDS COMP_CWORD; printf '<%s>' "$@"; COMPREPLY=(a b); }
compgen -F _c w 2>/dev/null; declare -p COMP_KEY COMP_WORDS 2>&1
help | sed -n 1,12p; help -s if while '(('; help -d nosuch 2>/dev/null; echo $?
cd ..; rm -r cg
