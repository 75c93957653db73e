package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are command lines for --help, by the name of the command.
var examples = map[string][]string{
	"check":    {"check conf/mapping/*.yaml conf/routing/*.yaml", "check --strict --server http://127.0.0.1:8095 mapping.csv"},
	"lookup":   {"lookup 10.1.7.4", "lookup 10.1.7.4 --mapping 'conf/mapping/*'"},
	"test":     {"test cases.yaml"},
	"explain":  {"explain --caller 10.1.7.4 --service default/server-b", "explain --caller 10.1.7.4 --service default/server-b --set qb.novel.z"},
	"who":      {"who --service default/server-b", "who --service default/server-b --host 10.1.7.4"},
	"plan":     {"plan --mapping mapping.csv", "plan --routing 'conf/routing/*.yaml' --fail-on empty,unusable,refused -o plan.json"},
	"drill":    {"drill --each zone", "drill --zone south/shenzhen --fail-on empty,load=3"},
	"dump":     {"dump --service default/server-b", "dump --dir now"},
	"status":   {"status", "status -o json --server http://10.1.0.2:8095"},
	"callers":  {"callers", "callers --service default/server-b"},
	"reload":   {"reload", "reload --all-nodes"},
	"evacuate": {"evacuate --zone south/shenzhen --for 30m --reason 'power' --dry-run", "evacuate --end ID"},
	"publish":  {"publish mapping.csv --to polaris://Polaris/routing/mapping.csv --plan", "publish mapping.csv --to polaris://Polaris/routing/mapping.csv --gray 10.1.0.2"},
	"rollback": {"rollback polaris://Polaris/routing/mapping.csv --plan"},
	"history":  {"history polaris://Polaris/routing/mapping.csv"},
	"version":  {"version"},
}

// addExamples gives the commands their examples.
func addExamples(root *cobra.Command) {
	for _, c := range root.Commands() {
		if lines := examples[c.Name()]; len(lines) > 0 {
			c.Example = "  setctl " + strings.Join(lines, "\n  setctl ")
		}
	}
}
