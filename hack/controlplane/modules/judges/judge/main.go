// Judges what other projects will make of ours, by their own code: Argo CD's Lua machine, Flux's CEL evaluator, kstatus, Prometheus' parser of
// rules. Reads one JSON document from standard input and writes one to standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type request struct {
	// Objects whose health is asked for, the script that Argo CD would run, and the expressions that Flux would evaluate.
	Objects []json.RawMessage                 `json:"objects"`
	Script  string                            `json:"script"`
	Flux    *kustomize.HealthCheckExpressions `json:"flux"`
	// Rules of Prometheus, as YAML, and single expressions.
	Rules       string   `json:"rules"`
	Expressions []string `json:"expressions"`
}

type health struct {
	Argo        string `json:"argo,omitempty"`
	ArgoMessage string `json:"argoMessage,omitempty"`
	Flux        string `json:"flux,omitempty"`
	Kstatus     string `json:"kstatus"`
}

type answer struct {
	Health  []health `json:"health,omitempty"`
	Metrics []string `json:"metrics,omitempty"`
	Errors  []string `json:"errors,omitempty"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	var given answer
	for _, object := range asked.Objects {
		// The decoder of Kubernetes, which keeps integers.
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(object); err != nil {
			fail(err)
		}
		one, err := judge(u, asked)
		if err != nil {
			fail(err)
		}
		given.Health = append(given.Health, one)
	}
	given.Metrics, given.Errors = promql(asked)
	if err := json.NewEncoder(os.Stdout).Encode(given); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func judge(u *unstructured.Unstructured, asked request) (health, error) {
	computed, err := status.Compute(u)
	if err != nil {
		return health{}, err
	}
	one := health{Kstatus: string(computed.Status)}
	if asked.Script != "" {
		if one.Argo, one.ArgoMessage, err = argo(u.Object, asked.Script); err != nil {
			return health{}, err
		}
	}
	if asked.Flux != nil {
		evaluator, err := cel.NewStatusEvaluator(asked.Flux)
		if err != nil {
			return health{}, err
		}
		result, err := evaluator.Evaluate(context.Background(), u)
		if err != nil {
			one.Flux = "Error: " + err.Error()
		} else {
			one.Flux = string(result.Status)
		}
	}
	return one, nil
}

// argo runs a health script as argo-cd/util/lua does: the same interpreter, the object as global `obj`, and the libraries that it opens.
func argo(object map[string]any, script string) (string, string, error) {
	machine := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer machine.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		if err := machine.CallByParam(lua.P{Fn: machine.NewFunction(library.open), NRet: 0, Protect: true}, lua.LString(library.name)); err != nil {
			return "", "", err
		}
	}
	machine.SetGlobal("obj", toLua(machine, object))
	if err := machine.DoString(script); err != nil {
		return "", "", err
	}
	table, ok := machine.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the script returns %s and no table", machine.Get(-1).Type())
	}
	return lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message")), nil
}

func toLua(machine *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case float64:
		return lua.LNumber(typed)
	case int64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := machine.CreateTable(len(typed), 0)
		for _, item := range typed {
			table.Append(toLua(machine, item))
		}
		return table
	case map[string]any:
		table := machine.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetString(key, toLua(machine, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// promql gives the metrics that rules and expressions name, and what Prometheus would refuse.
func promql(asked request) ([]string, []string) {
	var problems []string
	expressions := asked.Expressions
	if asked.Rules != "" {
		groups, errs := rulefmt.Parse([]byte(asked.Rules), false, model.UTF8Validation)
		for _, err := range errs {
			problems = append(problems, err.Error())
		}
		if groups != nil {
			for _, group := range groups.Groups {
				for _, rule := range group.Rules {
					expressions = append(expressions, rule.Expr)
				}
			}
		}
	}
	names := map[string]bool{}
	for _, text := range expressions {
		expression, err := parser.ParseExpr(text)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %s", text, err))
			continue
		}
		parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok {
				names[selector.Name] = true
			}
			return nil
		})
	}
	var metrics []string
	for name := range names {
		metrics = append(metrics, name)
	}
	sort.Strings(metrics)
	return metrics, problems
}
