# `!` and `^`: events, words, modifiers; what is not expanded.
set -o history -H
echo a b c
echo !$ !^ !* !:0 !!:1-2
!!
echo !-2:2 !#
history -c
echo /usr/lib/foo.tar.gz
echo !$:h !$:t !$:r !$:e !$:t:r:r
echo 'a b' "c d"
echo !*:q !*:x !!:1
echo one two three four
echo !!:2- !!:2* !!:-1 !!:2-$ !?two?:%
true
!?two t?:1
history -c
echo hello hello
^hello^world^
!!:s/hello/bye/:p
!!:gs/o/0/
!-2:&
!!:Gs/b/<&>/
^nothing^x^
echo still here
echo 'no !! here' "x!" x! a\!b a!"b" $! [!b] ${!x} != # !!
echo !nosuch
echo !99
echo !!:9
echo !!:z
echo "$(echo !:0)" `echo !:0` "$(echo '!!')"
cat <<X
!! in a document
X
echo 'two
lines !! long'
if true; then
echo !-2:0
fi
history -p '!-1:0' 'plain' '!nosuch'; echo $?
histchars='@%'
echo @@:0 !!
unset histchars
set +H
echo !!
history | wc -l
