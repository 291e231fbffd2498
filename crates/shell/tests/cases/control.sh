if false; then echo a; elif true; then echo b; else echo c; fi
for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
i=0; while ((i<3)); do ((i++)); echo w$i; done; until ((i==0)); do ((i--)); done; echo $i
for i in 1 2; do for j in a b c; do [ $j = b ] && continue 2; echo $i$j; done; done
for i in 1 2; do while :; do break 2; done; echo never; done; echo out
case abc in a*) echo one;;& *c) echo two;& x) echo three;; *) echo four;; esac
case 'a b' in 'a b') echo quoted;; esac; case x in [!a-w]) echo range;; esac
shopt -s extglob; case foobar in foo@(bar|baz)) echo ext;; esac
f() { return 3; }; f; echo $?; f && echo no || echo or
! true; echo $?; true && false || echo x; { echo g; } ; (exit 4); echo $?
while read -r a b; do echo "$b-$a"; done <<< $'1 2\n3 4 5'
select_none() { for x; do echo "arg $x"; done; }; select_none p 'q r'
false; if true; then :; fi; echo $?; for x in; do false; done; echo $?
while false; do :; done; echo $?; case x in y) ;; esac; echo $?
