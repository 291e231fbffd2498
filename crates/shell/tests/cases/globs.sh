mkdir -p d/sub; touch a.txt b.txt .hidden d/x.c d/y.c d/sub/z.c 'sp ace' '[b]'
echo *; echo *.txt; echo ?.txt; echo [ab].txt; echo [!a]*.txt; echo d/*.c; echo */; echo nomatch*; echo '*' "*" \*
shopt -s nullglob; echo x nomatch* y; shopt -u nullglob; shopt -s dotglob; echo *; shopt -u dotglob
shopt -s globstar; echo **/*.c; echo d/**; shopt -u globstar; echo .h*
shopt -s extglob; echo !(*.txt); echo @(a|b).txt; echo +([a-z]).txt; shopt -u extglob
p='*.txt'; echo $p "$p"; for f in *.txt; do echo "<$f>"; done; set -f; echo *; set +f
GLOBIGNORE='a*'; echo *.txt; unset GLOBIGNORE; echo \[b\] [[]*; cd d; echo ../*.txt
shopt -s nocaseglob; echo X*; shopt -u nocaseglob; (shopt -s failglob; echo nope*; echo no) 2>/dev/null; echo $?
