f() { echo $(if); }
echo "a syntax error in a substitution ends a command string with 127"
