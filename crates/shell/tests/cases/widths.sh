# Widths and precisions beyond what 16 bits count: of numbers, names and headings.
exec 2>&1
echo a > a
printf -v zeros %070000d 0
nl -w 70000 a | wc -c
nl -w 70000 -n ln a | tail -c 5
nl -w 70000 -n rz -v -1 a | head -c 5
nl -w 70000 -n rz -v -1 a | tail -c 5
nl -w 70000 -b n a | wc -c
nl -w 2147483648 a
csplit -b %70000d a 1 2>&1 | wc -c
csplit -b %.70000d a 1 2>&1 | tail -c 30
csplit -b %-70000d a 1 2>&1 | head -c 15
pr -n:70000 -t a | wc -c
pr -n70000 -t a | tail -c 5
seq -f %70000g 1 | wc -c
seq -f %-70000g 1 | wc -c
seq -f %070000g 1 | tail -c 3
env printf %70000f 1 | wc -c
env printf %-70000e 1 | head -c 14
env printf %.70000f 0.1 | cksum
env printf %.70000e 0.1 | cksum
env printf %.9000000f 1e4000 | wc -c
env printf %.9000000e 3e-4930 | wc -c
env printf '%.20000e %.20000g' 3e-4930 3e-4930 | cksum
for number in 1.5 1e300 5e-324 123456789; do
    awk -v n=$number 'BEGIN { printf "%.70000f", n }' | cksum
    awk -v n=$number 'BEGIN { printf "%.70000e", n }' | cksum
    awk -v n=$number 'BEGIN { printf "%.70000g", n }' | cksum
done
awk 'BEGIN { CONVFMT = "%.70000g"; x = 1.5 ""; print x }'
jq -n "${zeros//0/ }}" > out 2>&1
echo $?
curl -s "http://a.test/$zeros{" > out 2>&1
echo $?
eval "echo {$zeros..1}" | cksum
ps -o "pid=$zeros" | head -c 5
