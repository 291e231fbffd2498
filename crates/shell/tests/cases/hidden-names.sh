# What matches names that begin with a dot.
shopt -s extglob
touch .a .foo bar
for skip in s u; do
  shopt -$skip globskipdots
  for dots in u s; do
    shopt -$dots dotglob
    echo "globskipdots -$skip, dotglob -$dots"
    echo 1 * 2 .* 3 ?(.)* 4 @(.a|b*) 5 @(?|.?) 6 @(?|.*) 7 !(.foo) 8 !(.?) 9 !(.foo|*)
    echo 10 !(x).foo 11 *(x).foo 12 ?(x).foo 13 +(.)* 14 @(.*|bar) 15 @(.foo|*) 16 [.]* 17 '.'*
  done
done
shopt -u dotglob; shopt -s globskipdots
# Bracket expressions over several parts of a word, and such that do not end.
touch 'a b' 'a;b' a-b '[a' '[x' p
echo a[\ ]b a[\;]b a[';'-]b "a"[-" "]b
echo [[:"alpha":]] [[:'al'pha:]] [[:alpha:]
case '[a' in [[:alpha:]) echo begins;; *) echo no;; esac
case '[x' in [[:alpha:]) echo begins;; *) echo no;; esac
case foo in *(a|b[)|f*) echo one pattern;; *) echo two;; esac
case '*(a|b[)' in *(a|b[)) echo itself;; *) echo no;; esac
p='@(abc'; [[ '@(abc' == $p ]] && echo itself
p='@(a*'; [[ '@(abc' == $p ]] || echo nothing of it is special
# Directories below, and links to such.
mkdir -p d/x e; touch d/f d/x/q; ln -s d l
shopt -s globstar
echo 1 **/ 2 d/**/ 3 **/x/ 4 l/**/ 5 ./**/ 6 **/**/ 7 **/** 8 **/*x
