# What stands before a builtin that assigns the same variable.
x=1 printf -v x 2; echo "$x"; unset x
f() { x=1 printf -v x 2; echo "$x"; }; x=0; f; echo "$x"; unset x
x=1 read x <<< 5; echo "[$x]"
x=1 let x=x+2; echo "$x"; unset x
x=1 export x; env | grep ^x=; unset x
x=1 export x=2; echo "$x"; unset x
x=1 readonly x=7; readonly -p | grep ' x='
y=1 declare y=2; echo "[$y]"
f() { y=1 declare y=2; echo "$y"; y=1 local y; echo "$y"; }; f; echo "[$y]"
f() { z=1 typeset -i z; echo "$z"; z=2+3; echo "$z"; }; f; echo "[$z]"
f() { local z=5; z=1 export z; env | grep ^z=; }; f; echo "[$z]"
OPTIND=1 getopts ab o -a -b; echo "$o $OPTIND"; getopts ab o -a -b; echo "$o $OPTIND"
o=q getopts a o -a; echo "$o"
y=1 declare -g y=3; echo "$y"; unset y
y=1 command export y=7; echo "$y"; y=1 builtin printf -v y 8; echo "$y"
a=(1 2); a=9 printf -v a x; declare -p a
PWD=/q cd /usr; echo "$PWD"; cd - > /dev/null
f() { local -n r=r; r=5; echo "$r"; }; r=1; f 2>/dev/null; echo "$r"
{v}>/dev/null
echo "$? [$v]"
