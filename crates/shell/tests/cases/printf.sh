printf '%s-%d|%5s|%-5s|%05d|%x|%o|%X|%c\n' a 42 r l 7 255 8 255 xyz
printf '%.3f %e %g %G\n' 3.14159 12345.678 0.0001 1e20; printf '%s\n' a b c; printf '%d %d\n' 1 2 3
printf '%b|%q|%q\n' 'a\tb' "it's" $'n\nl'; printf -v var '%03d' 7; echo $var
printf '%*d|%-*d|%.*f\n' 5 42 5 42 2 3.14159; printf '%%|%5.2s|\n' abcdef; printf '\x41\101\u00e9\n'
printf '%d %d %d\n' 0x1f 017 "'A"; printf '%(%Y-%m-%d)T\n' 0; printf '[%s]\n'; printf 'no newline'; echo
printf '%+d % d %#x %#o\n' 5 5 255 8; printf '%s %s\n' only; printf '%i\n' -5; printf '%u\n' 5
echo -e 'a\tb\\c\x41\0101'; echo -n x; echo y; echo -E 'a\tb'; echo -- -n; echo -e 'stop\c here'; echo
printf '%d\n' abc 2>/dev/null; echo $?; printf '%z' 2>/dev/null; echo $?; printf '%5c|%-3c|\n' a b
printf '%s' "${BASH_VERSINFO[0]}"; echo; printf '%q ' '' 'a b' '$x' '~' 'a=b'; echo
printf '%d %u %x %o %i\n' 18446744073709551615 -1 -1 -18446744073709551616 99999999999999999999; echo $?
printf '%d\n' 0x 08; echo $?
printf '%(abde)Z|\n' 1; echo $?
printf '%a %.3a %a %A\n' 1.5 3.14159 0x1p-3 255; printf '%f\n' 0x1.8p1
TZ=Asia/Tokyo; export TZ; printf '%(%Y-%m-%d %H %z)T\n' 1557978599; TZ=EST5EDT printf '%(%F %H)T\n' 1557978599
# Floating-point numbers are of the wide type.
printf '%.25f %.20e %.18g %a\n' 0.1 1e-5 0.3 0.5
printf '%f %F %5.1f|%-8.2f|%+.0e\n' -nan nan 2.25 3.14159 12345
printf '%f\n' 0x 2>/dev/null; echo $?
printf '%f\n' '1.5 ' 2>/dev/null; echo $?
printf '%.0f %#.0f %G %g\n' 2.5 3 1e-10 0x1p10
