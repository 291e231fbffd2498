# The list of commands in a script.
set -o history
echo a
echo b
for i in 1 2
do
  echo $i
done
history
history -d 2; history 2
fc -l; fc -ln -2 -1; fc -lr 1 2; fc -l echo
fc -s a=z 1
HISTCONTROL=ignoreboth
 echo not kept
echo twice
echo twice
HISTIGNORE='echo i*:&'
echo ignored
history | tail -n 3
history -s added as one; history 1
history -w met-list; wc -l < met-list; history -c; history -r met-list; history | wc -l; rm met-list
HISTSIZE=2; history
HISTTIMEFORMAT='%Y '; history -s x; history 1 | cut -c 1-7
history a; echo $?
history -d 99; echo $?
history -anr; echo $?
