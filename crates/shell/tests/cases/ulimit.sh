# Limits: what is shown, what can be set. (The values at first are those of a session, so they are left out.)
ulimit -a | sed 's/) .*/)/'
ulimit -Ha | wc -l
ulimit 100; ulimit; ulimit -f; ulimit -H -f; ulimit -S
ulimit -n 50; ulimit -n; ulimit -Hn; ulimit -Sn 20; ulimit -n; ulimit -Hn; ulimit -Sn hard; ulimit -n
(ulimit -n 30; ulimit -n; bash -c 'ulimit -n'); ulimit -n
ulimit -Sn 51; echo $?; ulimit -Hn 40; echo $?; ulimit -n
ulimit -c 10 -n 11; ulimit -c; ulimit -cn; echo $?; ulimit -c -n
ulimit -Sn 10; ulimit -n soft; ulimit -Hn
ulimit -x 3; ulimit -x; ulimit -c 5 -x; ulimit -x5; ulimit -x
ulimit -t 9; ulimit -S -t 5; ulimit -t; ulimit -Ht; ulimit -SHt 4; ulimit -t; ulimit -Ht
ulimit -n abc; echo $?; ulimit -d 5k; echo $?; ulimit -z; echo $?; ulimit -T; echo $?; ulimit -p 5; echo $?; ulimit -p
ulimit -v abc -x 1; echo $?; ulimit -x
ulimit -n 8; exec 7< /dev/null && echo opened; exec 8< /dev/null; echo $?
