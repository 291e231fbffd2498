# Keys of associative arrays that look like syntax.
declare -A A; A['a b']=1; A["q'q"]=3; A['$x']=4; A[']']=5; A['*']=6; A['@']=7; k=']'
echo "${A[$k]}" "${A["]"]}" ${A['a b']} ${#A[@]}; declare -p A
unset 'A[*]'; unset "A[@]"; unset "A[\$x]" 2>/dev/null; echo $?; declare -p A
k='a b'; unset "A[$k]"; [[ -v A[$k] ]]; echo $?; [[ -v A["q'q"] ]]; echo $?; test -v 'A[]]'; echo $?
A[n]+=x; A[n]+=y; A+=([m]=1 [n]=2); k=c; (( A[c]++, A[$k] += 5 )); let 'A[c]*=2'; declare -p A
read 'A[r]' <<< rr; printf -v 'A[p]' pp; echo ${A[r]} ${A[p]}
x='b[<(:)]'; (echo $((x))) 2>/dev/null; echo $?
b[]=1; echo no
echo $?; b[@]=1; echo no
echo $? "${#b[@]}"; (: ${b['a b']}) 2>/dev/null; echo $?
