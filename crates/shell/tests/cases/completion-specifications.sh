# `complete -p` and `compopt` show specifications in one order.
complete -W 'a b' foo; complete -F f -o nospace bar; complete -p
complete -r foo; complete -p foo; echo $?; complete -r; complete
complete -o bad x; echo $?; complete -A bad x; echo $?
complete -A user -A arrayvar -u usr; complete -p usr; complete -r
complete -D -F x; complete -E -W y; complete -I -W z; complete -p; complete -p -D
complete -C cmd -G '*' -P p -S s -X '!*.c' -o default -o plusdirs -o bashdefault -abcdefgjksuv q
complete -p q; compopt -o nospace +o default q; complete -p q; compopt q; compopt -o bad q; echo $?; compopt zz; echo $?
compgen -k | tr '\n' ' '; compgen -A signal | head -4; compgen -A nosuch; echo $?
