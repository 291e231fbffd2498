printf 'echo a\n: b\nhistory -s one two\nhistory\nhistory 2\nhistory -d 2\nhistory -d -1\nhistory\n fc -l\nfc -ln\nfc -e - echo\nhistory -d 1-2; history\nhistory x; echo $?; history -d 99; echo $?\nfc -l 2 3; fc -l -2; fc -lr; fc -l nosuch; echo $?; fc -s echo=printf echo\n' | bash -o history
printf 'set -o history\nfor i in 1 2\ndo\necho $i; done\nif true\nthen :\nfi\ncat <<E\nhi\nE\necho "x\ny"\nhistory; echo $HISTCMD\n' | bash
printf 'HISTCONTROL=ignorespace:ignoredups\nHISTIGNORE="ls*"\n echo sp\necho d\necho d\nls -d .\nhistory\n' | bash -o history
printf 'one\ntwo\n' > hist; printf 'HISTFILE=hist\nhistory -r\nhistory\nhistory -w\ncat hist\n: new\nhistory -a; tail -n 2 hist; rm hist' | bash -o history
printf 'read x\nfoo\necho $x\n' | bash; printf 'cat\nthis\nthat' | bash -s a b
printf 'while read l; do echo "got $l"; done\na\nb\n' | bash
printf 'echo 1\n ) \n echo 2\n' | bash 2>/dev/null; echo $?
printf 'x=(1\n2)\necho ${x[@]} $# $1\nexit 4\necho no' | bash -s q; echo $?
