cat /dev/zero | head -c 10M | wc -c; yes | head -n 200000 | wc -l; seq 300000 | tail -n 1
printf 'a\nb\n' > f; cat f >> f 2>/dev/null; echo $?; cat f; sort -ro f f; cat f; cp f f 2>/dev/null; echo $?
cat < f > f; wc -c < f; printf 'x\ny\n' > g; grep -c . g >> g; cat g; tee g < g | wc -l; cat g
seq 5 > h; sort -rn h -o h; uniq h h 2>/dev/null; cat h; printf 'b\na\n' > i; sort i | tee i; cat i
seq 100000 | sort -R | sort -n | uniq | wc -l; seq 50000 | tac | tail -n 1; yes abc | head -n 100000 | tr a b | fold -w 2 | sort -u
seq 100 | tee j k l | head -n 1; wc -l j k l; yes | cat | head -n 1; cat /dev/zero | tr '\0' x | head -c 5; echo
echo one > m; tail -f m > n & sleep 0.3; echo two >> m; sleep 0.6; kill $!; wait $! 2>/dev/null; cat n
