# lark
from lark import Lark, Transformer
grammar = '''
?start: sum
?sum: product | sum "+" product -> add
?product: NUMBER -> number | product "*" product -> mul
%import common.NUMBER
%ignore " "
'''
class Calculate(Transformer):
    number = lambda self, found: int(found[0])
    add = lambda self, found: found[0] + found[1]
    mul = lambda self, found: found[0] * found[1]
assert Lark(grammar, parser="earley").parse("1 + 2 * 3") and Calculate().transform(Lark(grammar).parse("1 + 2 * 3")) == 7
