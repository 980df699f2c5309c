package condition

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// paramsName is what the parameters of a rule are called in its conditions, as in params.silent_h.
const paramsName = "params"

// knownName is the one function: it says whether a fact is known, and never is unknown itself.
const knownName = "known"

// maxNodes bounds what evaluating a condition may cost: its tree has no loops,
// so each node is looked at once at most.
const maxNodes = 100

// A tree walks an expression as it was parsed. It lets through what a
// condition may be made of and nothing else, and notes the facts that
// it cannot do without.
type tree struct {
	facts  map[string]FactSpec // that may be named
	params map[string]float64
	refers map[string]bool
	nodes  int
	err    *Error // the first
}

// operators are those of conditions. Division is guarded: see divide.
var operators = []string{"and", "or", "&&", "||", "not", "!", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "in"}

func (t *tree) walk(n ast.Node) {
	if t.nodes++; t.nodes > maxNodes {
		t.fail(n, "the condition is too long: more than %d names, numbers and operators", maxNodes)
	}
	if t.err != nil {
		return
	}
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode:
	case *ast.IdentifierNode:
		if t.fact(n) {
			t.refers[n.Value] = true
		}
	case *ast.MemberNode:
		t.param(n)
	case *ast.CallNode:
		t.known(n)
	case *ast.UnaryNode:
		t.operator(n, n.Operator)
		t.walk(n.Node)
	case *ast.BinaryNode:
		t.operator(n, n.Operator)
		t.walk(n.Left)
		if array, ok := n.Right.(*ast.ArrayNode); ok && n.Operator == "in" {
			for _, item := range array.Nodes {
				t.walk(item)
				t.values(n.Left, item)
			}
			return
		}
		t.walk(n.Right)
		if n.Operator == "==" || n.Operator == "!=" {
			t.values(n.Left, n.Right)
			t.values(n.Right, n.Left)
		}
	default:
		t.fail(n, "a condition compares facts with numbers and texts; %s is not part of it", shorten(n.String()))
	}
}

func (t *tree) operator(n ast.Node, operator string) {
	if !slices.Contains(operators, operator) {
		t.fail(n, "a condition has no operator %s; its operators are %s", operator, strings.Join(operators, " "))
	}
}

// fact reports whether an identifier is the name of a fact.
func (t *tree) fact(n *ast.IdentifierNode) bool {
	if _, ok := t.facts[n.Value]; ok {
		return true
	}
	t.unknown(n, "fact", n.Value, slices.Sorted(maps.Keys(t.facts)))
	return false
}

// param takes a member: only params has any.
func (t *tree) param(n *ast.MemberNode) {
	of, isName := n.Node.(*ast.IdentifierNode)
	name, isText := n.Property.(*ast.StringNode)
	switch {
	case !isName || !isText || of.Value != paramsName:
		t.fail(n, "only %s has members, as in %s.silent_h", paramsName, paramsName)
	case !has(t.params, name.Value):
		t.unknown(n, "parameter", name.Value, slices.Sorted(maps.Keys(t.params)))
	}
}

// known takes a call: only known has any.
func (t *tree) known(n *ast.CallNode) {
	callee, isName := n.Callee.(*ast.IdentifierNode)
	if isName && callee.Value == knownName && len(n.Arguments) == 1 {
		if fact, ok := n.Arguments[0].(*ast.IdentifierNode); ok {
			t.fact(fact)
			return
		}
	}
	t.fail(n, "the only function is %s(fact)", knownName)
}

// values refuses to compare a text with one that it never holds.
func (t *tree) values(fact, with ast.Node) {
	name, isName := fact.(*ast.IdentifierNode)
	text, isText := with.(*ast.StringNode)
	if !isName || !isText {
		return
	}
	if of := t.facts[name.Value]; len(of.Values) > 0 && !slices.Contains(of.Values, text.Value) {
		t.unknown(text, name.Value, text.Value, of.Values)
	}
}

func (t *tree) fail(n ast.Node, format string, args ...any) {
	if t.err == nil {
		t.err = &Error{Offset: n.Location().From, Message: fmt.Sprintf(format, args...)}
	}
}

func (t *tree) unknown(n ast.Node, what, name string, known []string) {
	if t.err == nil {
		t.err = &Error{
			Offset: n.Location().From, Message: fmt.Sprintf("there is no %s %s", what, shorten(name)),
			Name: name, Known: known,
		}
	}
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// shorten keeps what stands in a file from flooding a message.
func shorten(s string) string {
	const longest = 40
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}

// A lowering turns a tree that was walked into what the machine evaluates: all
// numbers are floats, parameters are their values, facts are fields.
type lowering struct {
	facts  map[string]FactSpec
	params map[string]float64
}

// Visit is called for the leaves first.
func (l lowering) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IntegerNode:
		ast.Patch(node, &ast.FloatNode{Value: float64(n.Value)})
	case *ast.IdentifierNode:
		if has(l.facts, n.Value) {
			ast.Patch(node, &ast.MemberNode{Node: n, Property: &ast.StringNode{Value: "Value"}})
		}
	case *ast.MemberNode:
		ast.Patch(node, &ast.FloatNode{Value: l.params[n.Property.(*ast.StringNode).Value]})
	case *ast.CallNode:
		fact := n.Arguments[0].(*ast.MemberNode)
		ast.Patch(node, &ast.MemberNode{Node: fact.Node, Property: &ast.StringNode{Value: "Known"}})
	case *ast.BinaryNode:
		if n.Operator == "/" {
			callee := &ast.IdentifierNode{Value: divideName}
			callee.SetLocation(n.Location())
			ast.Patch(node, &ast.CallNode{Callee: callee, Arguments: []ast.Node{n.Left, n.Right}})
		}
	}
}
