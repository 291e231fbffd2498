trap 'echo "e $?"' ERR
x=$(false) 2>/dev/null; echo 0
eval false
echo 1
eval false 2>/dev/null
echo 2
eval false >/dev/null
echo 3
f() { false
}
f
echo 4
f >/dev/null
echo 5
[[ a == b ]] >/dev/null
echo 6
((0)) >/dev/null
echo 7
(false) >/dev/null
echo 8
{ false
} >/dev/null
echo 9
false >/dev/null
echo 10
false >/dev/null | cat
echo 11
. /dev/null
echo 12
command false >/dev/null
echo 13
while false
do :
done >/dev/null
for i in 1
do (exit 3)
done > /dev/null
echo 14
x=$(false) >/dev/null
echo 15
 >/nonexistent/x
echo 16
test a = b >/dev/null
