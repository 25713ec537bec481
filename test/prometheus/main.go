// Says what Prometheus would refuse, with Prometheus' own code: rule files as `promtool check rules`, expressions of a
// dashboard, and a page of metrics as `promtool check metrics`. promtool itself takes fifteen minutes to build, for what it
// knows of clouds.
//
// Standard input is JSON: {"rules": FILE, "expressions": [TEXT, ...], "metrics": TEXT}. Each problem is a line of standard
// output; with problems the exit status is 1.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

type asked struct {
	Rules       string   `json:"rules"`
	Expressions []string `json:"expressions"`
	Metrics     string   `json:"metrics"`
}

func problems(ask asked) []string {
	var found []string
	promql := parser.NewParser(parser.Options{})
	if ask.Rules != "" {
		groups, errs := rulefmt.ParseFile(ask.Rules, false, model.UTF8Validation, promql, slog.New(slog.DiscardHandler))
		for _, err := range errs {
			found = append(found, err.Error())
		}
		if len(errs) == 0 && (groups == nil || len(groups.Groups) == 0) {
			found = append(found, ask.Rules+": no rules")
		}
	}
	for _, expression := range ask.Expressions {
		if _, err := promql.ParseExpr(expression); err != nil {
			found = append(found, fmt.Sprintf("%s: %v", expression, err))
		}
	}
	if ask.Metrics != "" {
		linted, err := promlint.New(strings.NewReader(ask.Metrics)).Lint()
		if err != nil {
			found = append(found, "metrics: "+err.Error())
		}
		for _, problem := range linted {
			found = append(found, problem.Metric+": "+problem.Text)
		}
	}
	return found
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	var ask asked
	if err == nil {
		err = json.Unmarshal(input, &ask)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	found := problems(ask)
	for _, one := range found {
		fmt.Println(one)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}
