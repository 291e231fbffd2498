echo one > f; echo two >> f; cat < f; cat f f > g; wc -l < g
{ echo out; echo err >&2; } > o 2> e; cat o e; { echo both; echo b2 >&2; } &> b; cat b
echo x 2>&1 1>/dev/null | cat; (echo swap >&2) 3>&1 1>&2 2>&3 | cat
exec 4> fd4; echo to4 >&4; exec 4>&-; cat fd4; exec 5< f; read -r l <&5; read -r m <&5; echo $l $m; exec 5<&-
cat <<A; cat <<'B'; cat <<-C
$((1+1)) `echo bq` \$x
A
$((1+1)) literal
B
	tabs gone
	C
cat <<< "here $((2+3))"
while read -r l; do echo "<$l>"; done < <(printf 'p\nq\n')
echo hi | tee >(cat > t) > /dev/null; sleep 0.05; cat t
exec {fd}> dyn; echo d >&$fd; exec {fd}>&-; cat dyn; ((fd >= 10)) && echo high
cat /nonexistent 2>/dev/null || echo failed; > empty; [ -s empty ] || echo empty
set -C; (echo no > f) 2>/dev/null || echo clobber; echo yes >| f; set +C; cat f
echo a > a b; cat a; for i in 1 2; do echo $i; done > loop; cat loop
f() { cat; echo f; }; echo in | f > o; cat o; cat < f | { read -r x; echo "x=$x"; }
echo a >&2 2>/dev/null; echo $( { echo c; } 2>&1 )
