(set -e; false; echo no); echo $?
(set -e; false || true; if false; then :; fi; ! true; while false; do :; done; false && true; echo yes); echo $?
(set -e; f() { false; echo in; }; f; echo no); echo $?
(set -e; f() { false; echo in; }; if f; then echo t; fi; f && echo u); echo $?
(set -e; x=$(false); echo no); echo $?
(set -e; echo $(false) yes); echo $?
(set -e; (exit 3); echo no); echo $?
(set -e; true | false; echo no); echo $?
(set -e; false | true; echo yes); echo $?
(set -eo pipefail; false | true; echo no); echo $?
(set -e; { false; echo no; } ; echo no2); echo $?
(set -e; for i in 1 2; do [ $i = 2 ]; echo no; done); echo $?
(set -e; local_f() { local v=$(false); echo yes; }; local_f); echo $?
(set -u; echo ${undefined-ok}; echo $undefined; echo no) 2>/dev/null; echo $?
(set -e; eval 'false'; echo no); echo $?
(set -e; ((0)); echo no); echo $?; (set -e; [[ a = b ]]; echo no); echo $?
(set -e; ! false; echo yes); echo $?; (set -e; false; true) || echo caught
