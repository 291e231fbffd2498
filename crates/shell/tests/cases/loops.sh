# What break and continue do in conditions and behind `!`.
until continue; do echo x; done; echo $?
while ! continue; do echo x; done; echo $?
for i in 1; do ! break; done; echo $?
for i in 1; do ! { true; break; }; done; echo $?
for i in 1; do ! ! break; done; echo $?
for i in 1; do if ! break; then :; fi; done; echo $?
for i in 1; do ! continue; done; echo $?
for j in 1 2; do until continue 2; do echo x; done; echo n; done; echo e
for j in 1 2; do while break 2; do echo x; done; echo n; done; echo e
for j in 1 2; do until eval continue 2; do echo x; done; echo n; done; echo e
n=0; until ((n++ > 2)) || continue; do echo x; done; echo $n
for ((i = 0; i < 4; i++)); do ((i == 2)) && continue; echo $i; done
for ((i = 08; i < 2; i++)); do echo no; done; echo "status $?"
for ((i = "3"; i < 5; ++i)); do echo $i; done
