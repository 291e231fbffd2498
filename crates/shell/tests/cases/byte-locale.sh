# Where the locale is C, characters are bytes; it changes at once.
x=héllo; echo ${#x}; LC_ALL=C; echo ${#x}; LC_ALL=C.UTF-8; echo ${#x}; unset LC_ALL
x=μ
f() { local LC_ALL=C; echo ${#1}; [[ $1 == ? ]] || echo two; [[ $1 =~ ^.$ ]] || echo two; }
f $x; echo ${#x}
(LC_ALL=C; echo ${#x}; case $x in ?) echo 1;; ??) echo 2;; esac); case $x in ?) echo 1;; esac
LC_ALL=C eval 'echo ${#x}'; echo ${#x}
s='_μ_ and _μ_'; LC_CTYPE=C; echo ${s//_?_/foo}; LC_CTYPE=; echo ${s//_?_/foo}
touch _x_ _μ_
for v in LC_ALL LC_CTYPE LANG; do env $v=C bash -c 'echo _?_'; done; LC_ALL= LC_COLLATE=C bash -c 'echo _?_'
LANG=POSIX; echo ${#x}; LC_CTYPE=C.UTF-8; echo ${#x}; LC_ALL=POSIX; echo ${#x}; LC_ALL=; echo ${#x}
LC_ALL=C; x=é; printf '%q\n' "$x"; echo "${x@Q}"; declare -p x; printf '\u00e9|\n'; echo -e '\u00e9'
IFS=é; set -- a b; echo "$*" | od -An -tx1; unset IFS; printf '%.1s|%d\n' é "'é" | od -An -tx1; x=É; echo "${x,,}"
