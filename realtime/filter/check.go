package filter

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// at makes an error of a position, whose columns cel-go counts from 0.
func at(where common.Location, message string) *Error {
	if where.Line() < 1 {
		return &Error{Message: message}
	}
	return &Error{Line: where.Line(), Column: where.Column() + 1, Message: message}
}

// begins returns where a name begins, which for cel-go is at its last dot, or where cel-go says that e is.
func begins(info *ast.SourceInfo, e ast.Expr) common.Location {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	return info.GetStartLocation(e.ID())
}

// issue returns the first fault that cel-go found in a text, in our words.
func issue(found []*common.Error, source string) *Error {
	var first *common.Error
	for _, e := range found {
		if first == nil || e.Location.Line() < first.Location.Line() || e.Location.Line() == first.Location.Line() && e.Location.Column() < first.Location.Column() {
			first = e
		}
	}
	fault := at(first.Location, "")
	fault.Message = translate(first.Message, word(source, fault.Line, fault.Column))
	return fault
}

// word returns what stands at a position, to the next space.
func word(source string, line, column int) string {
	const longest = 20
	for range line - 1 {
		_, source, _ = strings.Cut(source, "\n")
	}
	source, _, _ = strings.Cut(source, "\n")
	rest := []rune(source)
	rest = rest[min(max(column-1, 0), len(rest)):]
	source, _, _ = strings.Cut(string(rest[:min(len(rest), longest)]), " ")
	return source
}

// checkTests refuses what stands where true or false is wanted and is neither: holds takes anything.
func checkTests(checked *ast.AST) error {
	var fault *Error
	ast.PreOrderVisit(ast.NavigateAST(checked), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != holds || fault != nil {
			return
		}
		arg := e.AsCall().Args()[0]
		if of := checked.GetType(arg.ID()); of != nil && of.Kind() != types.BoolKind && of.Kind() != types.DynKind {
			fault = at(begins(checked.SourceInfo(), arg), "must be true or false, is "+typeName(of.String()))
		}
	}))
	if fault != nil {
		return fault
	}
	return nil
}

// checkCost refuses an expression that cel-go may take too long for.
func checkCost(checked *ast.AST) error {
	estimate, err := cost.Cost(checked, assumption{})
	if err != nil {
		return err
	}
	if estimate.Max > MaxCost {
		return &Error{Message: fmt.Sprintf("may take %d steps, at most %d are allowed", estimate.Max, MaxCost)}
	}
	return nil
}

// assumption says how large things are that only a publication knows.
type assumption struct{}

func (assumption) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if e := node.Expr(); e != nil && (e.Kind() == ast.LiteralKind || e.Kind() == ast.ListKind) || node.ComputedSize() != nil {
		return nil // is known
	}
	return &cost.SizeEstimate{Min: 0, Max: assumedTextBytes}
}

func (assumption) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// translate says what cel-go says in the words of this package. At the position of the fault stands found.
func translate(message, found string) string {
	if s, ok := strings.CutPrefix(message, "found no matching overload for '"); ok {
		if name, args, ok := strings.Cut(s, "' applied to '"); ok {
			return mismatch(name, strings.TrimSuffix(args, "'"))
		}
	}
	if s, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		return "syntax error: " + syntax(s, found)
	}
	if strings.HasPrefix(message, "expression recursion limit exceeded") {
		return fmt.Sprintf("must be at most %d deep, without parentheses that change nothing", MaxDepth)
	}
	return message
}

// syntax says what the parser stumbled over.
func syntax(message, found string) string {
	switch {
	case strings.Contains(message, "<EOF>") || found == "":
		return "the text ends too early"
	case strings.HasPrefix(message, "unexpected ") || strings.HasPrefix(message, "mismatched input "):
		return fmt.Sprintf("unexpected %q", found)
	}
	return message
}

// mismatch says that an operator or a function does not take its operands.
func mismatch(function, args string) string {
	target, args, _ := strings.Cut(strings.TrimSuffix(args, ")"), "(") // text.(text), or (text, text)
	var is []string
	for _, of := range append([]string{strings.TrimSuffix(target, ".")}, splitTypes(args)...) {
		if of != "" {
			is = append(is, typeName(of))
		}
	}
	name := operatorNames()[function]
	if name == "" {
		name = function
	}
	message := name + " cannot be applied to " + strings.Join(is, " and ")
	if slices.Contains(is, "text") && slices.Contains(is, "a number") {
		message += ": tags are text, num(tags.x) is a number"
	}
	return message
}

// splitTypes splits a list of types at the commas that are not inside a type.
func splitTypes(s string) []string {
	var list []string
	depth, from := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			list, from = append(list, strings.TrimSpace(s[from:i])), i+1
		}
	}
	return append(list, strings.TrimSpace(s[from:]))
}

func typeName(of string) string {
	switch {
	case of == "string":
		return "text"
	case of == "double" || of == "int" || of == "uint":
		return "a number"
	case of == "bool":
		return "true or false"
	case of == "null_type" || of == "null":
		return "null"
	case of == "list(double)":
		return "a list of numbers"
	case of == "list(string)":
		return "a list of texts"
	case strings.HasPrefix(of, "list("):
		return "a list"
	case strings.HasPrefix(of, "map("):
		return "tags"
	}
	return "anything"
}
