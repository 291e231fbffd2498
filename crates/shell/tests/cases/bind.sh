# The line editor is not there, but what is set for it is kept and shown.
bind -l 2> /dev/null | wc -l; bind -l 2> /dev/null | head -3
bind -v 2> /dev/null | wc -l; bind -v 2>/dev/null | grep 'query\|bell'
bind 'set bell-style none' 'set completion-query-items 5' 'set convert-meta On'; echo $?
bind -v 2> /dev/null | grep 'query\|bell-s\|convert'; bind -V 2> /dev/null | grep bell-s
bind '"\C-x\C-t": "hello"' 2> /dev/null; bind -s 2> /dev/null; bind -S 2> /dev/null
bind -x '"\C-xq": echo hi'; echo $?; bind -X 2> /dev/null
bind -u abort; bind -q abort; echo $?; bind '"\C-xk": abort'; bind -q abort; echo $?
bind -p 2> /dev/null | grep abort; bind -P 2> /dev/null | grep abort
bind -r '\C-xk'; bind -q abort; echo $?
bind -q nosuch; echo $?; bind -m nosuch -l; echo $?; bind 'set nosuch 1'; echo $?; bind garbage; echo $?
bind -x 'q: y'; echo $?; bind -x '"\C-xq" "a b"'; echo $?
bind -z; echo $?; bind; echo $?; bind -f /nonexistent; echo $?
printf '%s\n' '# comment' 'set expand-tilde on' '"\C-xz": abort' > met-inputrc; bind -f met-inputrc; echo $?; rm met-inputrc
bind -q abort; bind -v 2> /dev/null | grep tilde
