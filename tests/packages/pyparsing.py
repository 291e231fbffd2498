# pyparsing
import pyparsing as pp
number = pp.Word(pp.nums).set_parse_action(lambda found: int(found[0]))
rule = pp.infix_notation(number, [(pp.one_of("* /"), 2, pp.OpAssoc.LEFT), (pp.one_of("+ -"), 2, pp.OpAssoc.LEFT)])
assert rule.parse_string("1+2*(3-4)", parse_all=True).as_list() == [[1, "+", [2, "*", [3, "-", 4]]]]
try: rule.parse_string("1+", parse_all=True)
except pp.ParseException as error: assert "end of text" in str(error)
