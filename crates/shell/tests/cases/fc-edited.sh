# What `fc` lets an editor change is shown, executed, and enters the history in the place of `fc`.
set -o history
echo one
echo two
printf '%s\n' 'sed -i "s/two/TWO/; \$a echo added" "$1"' > met-editor; chmod +x met-editor
FCEDIT=./met-editor fc 2 2
history
fc -e ./met-editor 1 2 2>&1
history 4
fc -e false; echo $?
history 3
HISTCONTROL=ignoredups
fc -s 'echo one' 2>&1
fc -s 'echo one' 2>&1
history 3
rm met-editor; ls /tmp/bash-fc* 2>/dev/null
