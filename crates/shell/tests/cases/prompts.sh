# Prompt strings: escapes first, then expansions as between double quotes.
var=hello
for prompt in '\\$var' '\\\\$var' '\\\\\\\\X' $'\\\\\\\\\r' '\\\n' '\\\X' '\"' '\`' '\\"' '"a"' '\\\"' '\a\e\r' '\\u' '\x41' '\101' '\[x\]' 'a\\b' '\\\\' '$var ${var^} $((1+1))' '\D{%Y}' ; do
    printf '%q ' "$prompt"
    case $prompt in *D*) [[ ${prompt@P} == 20?? ]] && echo year;; *) printf '%s' "${prompt@P}" | od -An -c;; esac
done
shopt -u promptvars; p='$var \\ \$'; echo "${p@P}" | sed 's/[#$]$/mark/'
