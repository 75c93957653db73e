package observability_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metric is one as the source of the pack declares it, or a recorded one.
type metric struct {
	kind   string // Counter, Gauge or Histogram
	labels []string
	help   string
}

type metrics map[string]metric

// registered are the metrics of internal/observe. A gathered registry would not
// show vectors without children, so the source is read.
func registered(t *testing.T) metrics {
	t.Helper()
	out, variables, inRegister := metrics{}, map[string]string{}, map[string]bool{}
	for _, name := range glob(t, "../../internal/observe/*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if metric, m, is := declared(value); is {
						out[metric], variables[n.Names[i].Name] = m, metric
					}
				}
			case *ast.FuncDecl:
				if n.Name.Name == "Register" {
					ast.Inspect(n.Body, func(n ast.Node) bool {
						if id, is := n.(*ast.Ident); is {
							inRegister[id.Name] = true
						}
						return true
					})
				}
				return false
			}
			return true
		})
	}
	for variable, metric := range variables {
		if !inRegister[variable] {
			t.Errorf("%s is declared and not in observe.Register", metric)
		}
	}
	return out
}

// declared reads prometheus.NewCounterVec(prometheus.CounterOpts{Name: "..."}, []string{"..."}).
func declared(e ast.Expr) (name string, m metric, is bool) {
	call, is := e.(*ast.CallExpr)
	if !is {
		return "", m, false
	}
	constructor := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		constructor = f.Sel.Name
	case *ast.Ident: // of the pack itself: newGaugeFuncVec
		constructor = f.Name
	}
	kind := regexp.MustCompile(`^[nN]ew(Counter|Gauge|Histogram)(Func)?(Vec)?$`).FindStringSubmatch(constructor)
	if kind == nil {
		return "", m, false
	}
	m.kind = kind[1]
	for _, argument := range call.Args {
		literal, is := argument.(*ast.CompositeLit)
		if !is {
			continue
		}
		for _, element := range literal.Elts {
			switch element := element.(type) {
			case *ast.KeyValueExpr:
				switch key, _ := element.Key.(*ast.Ident); {
				case key != nil && key.Name == "Name":
					name = text(element.Value)
				case key != nil && key.Name == "Help":
					m.help = text(element.Value)
				}
			case *ast.BasicLit:
				m.labels = append(m.labels, text(element))
			}
		}
	}
	return name, m, strings.HasPrefix(name, "setrouter_")
}

func text(e ast.Expr) string {
	literal, is := e.(*ast.BasicLit)
	if !is {
		return ""
	}
	s, _ := strconv.Unquote(literal.Value)
	return s
}

var (
	metricUse   = regexp.MustCompile(`([a-z_]+:)?setrouter_[a-z0-9_:]+`)
	selector    = regexp.MustCompile(`^\{[^}]*\}`)
	matcher     = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping    = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	alertLabel  = regexp.MustCompile(`\$labels\.(\w+)`)
	legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	valuesLabel = regexp.MustCompile(`^label_values\(.*, *(\w+)\)$`)

	// ofTarget are the labels that Prometheus gives each series.
	ofTarget = []string{"job", "instance"}
)

// faults are the names in expr that are no metric, and the labels that none of
// its metrics has; shown are labels that a text takes from the result. The
// metrics that expr uses are noted in used.
func (known metrics) faults(expr string, shown []string, used map[string]bool) (out []string) {
	all := slices.Clone(ofTarget)
	for _, at := range metricUse.FindAllStringIndex(expr, -1) {
		name := expr[at[0]:at[1]]
		m, base := known.find(name)
		if base == "" {
			out = append(out, fmt.Sprintf("there is no metric %s", name))
			continue
		}
		used[base] = true
		labels := slices.Concat(ofTarget, m.labels)
		if strings.HasSuffix(name, "_bucket") {
			labels = append(labels, "le")
		}
		for _, label := range submatches(matcher, selector.FindString(expr[at[1]:])) {
			if !slices.Contains(labels, label) {
				out = append(out, fmt.Sprintf("%s has no label %q, expected one of %q", name, label, labels))
			}
		}
		all = append(all, labels...)
	}
	for _, list := range submatches(grouping, expr) {
		for label := range strings.SplitSeq(list, ",") {
			if label = strings.TrimSpace(label); !slices.Contains(all, label) {
				out = append(out, fmt.Sprintf("no metric of the expression has the label %q, expected one of %q", label, all))
			}
		}
	}
	result := resultOf(expr)
	if result == nil {
		result = all
	}
	for _, label := range shown {
		if !slices.Contains(result, label) {
			out = append(out, fmt.Sprintf("the result has no label %q, expected one of %q", label, result))
		}
	}
	return out
}

// find also knows the series of a histogram, which has none of its plain name.
func (known metrics) find(name string) (m metric, base string) {
	base = name
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if of := strings.TrimSuffix(name, suffix); of != name && known[of].kind == "Histogram" {
			return known[of], of
		}
	}
	if m = known[name]; m.kind == "" || m.kind == "Histogram" {
		return m, ""
	}
	return m, base
}

// resultOf are the labels that the outermost aggregation keeps; nil: all.
func resultOf(expr string) []string {
	by := regexp.MustCompile(`\bby\s*\(([^)]*)\)`).FindStringSubmatch(expr)
	if by == nil {
		return nil
	}
	return regexp.MustCompile(`\w+`).FindAllString(by[1], -1)
}

func submatches(re *regexp.Regexp, s string) (out []string) {
	for _, m := range re.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}
