# compgen with functions and commands; compopt.
f() { COMPREPLY=(one two three); unset 'COMPREPLY[1]'; echo "$# $1 $2" >&2; }
compgen -F f word; echo $?
g() { COMPREPLY=hello; }; compgen -P '<' -S '>' -F g; echo $?
h() { :; }; compgen -F h; echo $?
c() { echo foo; echo bar; }; compgen -C c b; echo $?
compgen -X 'o*' -W 'one two' ; compgen -X '!o*' -W 'one two'
compgen -W '${' ; echo $?
compopt -o invalid; echo $?
compopt -o filenames; echo $?
complete -o nospace -W 'a b' cmd; compopt +o nospace cmd; complete -p cmd; compopt -o filenames cmd; complete -p cmd
compopt -o filenames nothing; echo $?
