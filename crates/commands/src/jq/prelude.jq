def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def finites: select(isinfinite or isnan | not);
def normals: select(isnormal);
def map_values(f): .[] |= f;
def recurse(f): def r: ., (f | r); r;
def recurse(f; cond): def r: ., (f | select(cond) | r); r;
def recurse: recurse(.[]?);
def while(cond; update): def w: if cond then ., (update | w) else empty end; w;
def until(cond; update): def u: if cond then . else update | u end; u;
def repeat(f): def r: f, r; r;
def add(f): reduce f as $x (null; . + $x);
def any(generator; condition): isempty(first(generator | condition | select(.))) | not;
def all(generator; condition): isempty(first(generator | condition | select(. | not)));
def any(f): any(.[]; f);
def all(f): all(.[]; f);
def any: any(.);
def all: all(.);
def isempty(g): label $done | (first(g | false), true) | ., break $done;
def isvalid(f): try (f | true) catch false;
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; f)) end;
def paths: path(..) | select(length > 0);
def paths(node_filter): . as $dot | paths | select(. as $p | $dot | getpath($p) | node_filter);
def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]);
def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p)));
def with_entries(f): to_entries | map(f) | from_entries;
def sort_by(f): _sort_by(map([f]));
def group_by(f): _group_by(map([f]));
def unique_by(f): _unique_by(map([f]));
def min_by(f): _min_by(map([f]));
def max_by(f): _max_by(map([f]));
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def env: $ENV;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;
def match($val): ($val | type) as $t
  | if $t == "string" then match($val; null)
    elif $t == "array" and ($val | length) > 1 then match($val[0]; $val[1])
    elif $t == "array" and ($val | length) > 0 then match($val[0]; null)
    else error($t + " not a string or array") end;
def match(re; flags): _match(re; flags) | .[];
def test($val): ($val | type) as $t
  | if $t == "string" then _test($val; null)
    elif $t == "array" and ($val | length) > 1 then _test($val[0]; $val[1])
    elif $t == "array" and ($val | length) > 0 then _test($val[0]; null)
    else error($t + " not a string or array") end;
def test(re; flags): _test(re; flags);
def capture($val): ($val | type) as $t
  | if $t == "string" then capture($val; null)
    elif $t == "array" and ($val | length) > 1 then capture($val[0]; $val[1])
    elif $t == "array" and ($val | length) > 0 then capture($val[0]; null)
    else error($t + " not a string or array") end;
def capture(re; flags): _capture(re; flags) | .[];
def scan($re; $flags): match($re; "g" + $flags) | if (.captures | length) > 0 then [.captures[].string] else .string end;
def scan($re): scan($re; null);
def split($re; flags): flags as $flags | _split($re; $flags);
def splits($re; flags): split($re; flags) | .[];
def splits($re): splits($re; null);
def ascii_downcase: _downcase;
def ascii_upcase: _upcase;
def sub($re; str; $flags): . as $in | _pieces($re; $flags) as [$pieces, $rest]
  | reduce $pieces[] as [$gap, $groups] ([];
      [$groups | str] as $new | reduce range($new | length) as $i (.; .[$i] += $gap + $new[$i]))
  | if length == 0 then $in else .[] + $rest end;
def sub($re; str): sub($re; str; "");
def gsub($re; str; $flags): sub($re; str; $flags + "g");
def gsub($re; str): sub($re; str; "g");
def join($separator): reduce .[] as $x (null;
    (if . == null then "" else . + $separator end)
    + ($x | if . == null then "" elif type == "boolean" or type == "number" then tojson else . end)) // "";
def flatten: _flatten(1000000000);
def flatten($depth): if $depth < 0 then error("flatten depth must not be negative") else _flatten($depth) end;
def transpose: if . == [] then [] else . as $in
  | (map(length) | max) as $most | [range(0; $most) as $j | [range(0; $in | length) as $i | $in[$i][$j]]] end;
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $rest | [$x] + $rest end;
def combinations(n): . as $dot | [range(n)] | map($dot) | combinations;
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): foreach f as $event ([false, null];
    if .[0] then [false, null] else . end
    | if ($event | length) == 2
      then [($event[0] | length) == 0, (.[1] | setpath($event[0]; $event[1]))]
      else [($event[0] | length) == 1, .[1]] end;
    if .[0] then .[1] else empty end);
def truncate_stream(stream): . as $depth | null | stream | select((.[0] | length) > $depth) | .[0] |= .[$depth:];
def debug(msg): (msg | debug | empty), .;
def halt_error: halt_error(5);
def ascii: [.] | implode;
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def GROUP_BY(f): group_by(f);
def UNIQUE_BY(f): unique_by(f);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def JOIN($index; f): [.[] | [., $index[f]]];
def JOIN($index; stream; f): stream | [., $index[f]];
def JOIN($index; stream; f; g): stream | [., $index[f]] | g;
def get_prog_origin: null;
def get_jq_origin: null;
def halt: _halt;
