# The directory of the process's descriptors.
exec 7</dev/null
ls /dev/fd/ | grep -x '[0127]'; echo /dev/fd/[0127]; [ -d /dev/fd ] && [ -d /proc/self/fd ]; echo $?
[[ -e /dev/fd/7 ]]; echo $?; exec 7<&-; [[ -e /dev/fd/7 ]]; echo $?
cd /dev/fd && pwd; echo [012]
cat < /dev/fd/0 | wc -c; find /proc/self/fd -maxdepth 1 -name 1
